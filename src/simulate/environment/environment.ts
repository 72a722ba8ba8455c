import type { Randomness } from "../../lib/ids.ts";
import { type Disk, installDisk } from "./disk.ts";
import { type Internet, installNetwork } from "./network.ts";
import { installRandomness } from "./replace.ts";
import { installTimers, type Quiet } from "./timers.ts";
import { createVirtualTime, type VirtualTime } from "./virtual-time.ts";

/** Everything that the agent's code reaches the world by, in this thread, under control of the simulation. */
export interface SimulatedEnvironment {
  time: VirtualTime;
  disk: Disk;
  quiet: Quiet;
  /** Breaks every connection. */
  cutAll(): void;
  /** Whom connections and ids lead to from now on. */
  use(internet: Internet, randomness: Randomness): void;
}

/**
 * Takes over this thread for good: time, randomness, network, disk. For a thread that does nothing else, since no other
 * thread's is touched and nothing is given back.
 */
export function installEnvironment(): SimulatedEnvironment {
  let internet: Internet | undefined;
  let randomness: Randomness | undefined;
  const found = <T>(part: T | undefined): T => {
    if (part === undefined) throw new Error("afk bug: a simulation has not begun");
    return part;
  };
  const time = createVirtualTime();
  const disk = installDisk();
  installRandomness(() => found(randomness));
  const { cutAll } = installNetwork({
    answer: (asked) => found(internet).answer(asked),
    after: (ms, ring) => found(internet).after(ms, ring),
    accept: (origin) => found(internet).accept(origin),
    isKnown: (hostname) => found(internet).isKnown(hostname),
  });
  const quiet = installTimers(time);
  return {
    time,
    disk,
    quiet,
    cutAll,
    use(nextInternet, nextRandomness) {
      internet = nextInternet;
      randomness = nextRandomness;
    },
  };
}
