import { parentPort, workerData } from "node:worker_threads";
import { type Pause, pause } from "../../lib/clock.ts";
import type { DatabaseTarget } from "../../lib/database-target.ts";
import { isUnreachable } from "../../store/errors.ts";
import { createKillLooks } from "../../store/postgres/kill-looks.ts";
import { FLAG, type Flags } from "./flags.ts";

/** What the main thread hands to the thread that looks, which is started in a fleet alone. */
export interface KillLooksTask {
  flags: Flags;
  target: DatabaseTarget;
}

const AT_WORK_MS = 1_000;
const IDLE_MS = 10_000;

// The guard waits without an event loop, which a connection needs: so this thread looks, and leaves a count of its looks.
void followSwitch(workerData as KillLooksTask);

async function followSwitch({ flags, target }: KillLooksTask): Promise<void> {
  const looks = createKillLooks(target);
  let nap: Pause | null = null;
  // The main thread says that work begins, or that it is done.
  parentPort?.on("message", () => nap?.end());
  const isTrue = (flag: keyof typeof FLAG) => Atomics.load(flags, FLAG[flag]) === 1;
  while (!isTrue("isDone")) {
    try {
      Atomics.store(flags, FLAG.isKillSet, Number(await looks.isSet()));
      Atomics.add(flags, FLAG.looks, 1);
    } catch (error) {
      // It is no look, which is what the others count.
      if (!isUnreachable(error)) throw error;
    }
    if (isTrue("isDone")) break;
    nap = pause(isTrue("isAtWork") ? AT_WORK_MS : IDLE_MS);
    await nap.over;
  }
  await looks.close();
  parentPort?.close();
}
