import crypto from "node:crypto";
import { syncBuiltinESMExports } from "node:module";
import { seededRandom } from "../../faults/seeded-random.ts";
import { readBody } from "../../http/body.ts";
import { exchange } from "../../http/exchange.ts";
import { requestOnce } from "../../http/once.ts";
import { MINUTE_MS } from "../../lib/durations.ts";
import type { Randomness } from "../../lib/ids.ts";
import { type Disk, installDisk } from "./disk.ts";
import { type Internet, installNetwork } from "./network.ts";
import { replace } from "./replace.ts";
import { installTimers } from "./timers.ts";
import { createVirtualTime, type VirtualTime } from "./virtual-time.ts";

/** Everything that the agent's code reaches the world by, in this thread, under control of the simulation. */
export interface SimulatedEnvironment {
  time: VirtualTime;
  disk: Disk;
  /** Waits until the code of this thread has nothing to do but wait for an alarm. */
  quiet(): Promise<void>;
  /** Breaks every connection. */
  cutAll(): void;
  /** Whom connections lead to from now on. */
  internet: Internet;
  /** Where ids and jitter come from. */
  randomness: Randomness;
}

/**
 * Takes over this thread for good: time, randomness, network, disk. For a thread that does nothing else, since no other
 * thread's is touched and nothing is given back.
 */
export function installEnvironment(): SimulatedEnvironment {
  const time = createVirtualTime();
  const environment: SimulatedEnvironment = {
    time,
    disk: installDisk(),
    cutAll: installNetwork(() => environment.internet),
    quiet: installTimers(time),
    internet: ALWAYS_OK,
    randomness: seededRandom(0, "before a simulation"),
  };
  replace(Math, "random", () => environment.randomness.random());
  replace(crypto, "randomBytes", (count: number) => Buffer.from(environment.randomness.bytes(count)));
  syncBuiltinESMExports();
  return environment;
}

const ALWAYS_OK: Internet = {
  answer: () => ({
    afterMs: 0,
    bytes: "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nOK",
    ending: "close",
  }),
  after: (_ms, ring) => void setImmediate(ring),
  accept: () => null,
  isKnown: () => true,
};

/**
 * Loads the HTTP clients and lets them send a request each, before a simulation. What they do the first time only (they
 * compile their parsers beside this thread) would else come at no moment of virtual time.
 */
export async function warmUp(environment: SimulatedEnvironment): Promise<void> {
  const url = new URL("http://warm-up.example/");
  const { signal } = new AbortController();
  const request = { method: "GET", headers: {}, body: null, signal, timeoutMs: MINUTE_MS };
  await requestOnce(url, request, ({ body }) => readBody(body, { bytesMax: 16, onExcess: "cut", signal }));
  await exchange({ url: url.href, method: "GET", headers: {} }, signal);
  await environment.quiet();
}
