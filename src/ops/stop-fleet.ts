import { type Clock, pause, systemClock, toIso } from "../lib/clock.ts";
import { isUnreachable } from "../store/errors.ts";
import type { Db } from "../store/schema.ts";
import { listMachines, type MachineView } from "./machines.ts";

/** A machine that was at work when the switch was set, or could have been. */
export interface Reached {
  /** What its process does: it runs jobs, or serves clients. */
  part: MachineView["part"];
  id: string;
  name: string;
  /**
   * `seen`: it has looked at the switch since. `ended`: its process has. `unseen`: it has a lease and has not looked.
   * `unreachable`: its lease is over, so it may call nothing.
   */
  state: "seen" | "ended" | "unseen" | "unreachable";
  /** ISO 8601. */
  lookedAt: string;
}

/** How long all have; one looks within 2 s, and a lease that is not renewed at all is over after 15. */
const WAIT_MS = 10_000;
const POLL_MS = 200;
/** By so much the machines may differ about what time it is in the database; a look within it may have been before. */
const CLOCKS_MS = 100;
/** A lease that has been over for this long is that of a machine that was lost, though nobody was there to say so. */
const FORGOTTEN_MS = 15_000;

/**
 * Waits until each machine with a lease has seen the switch, which was set at `atMs` and before this is called, or has ended. Null
 * where the database did not answer any more: the switch is set all the same.
 */
export async function whoHasSeen(
  { db, clock, waitMs = WAIT_MS }: { db: Db; clock: Pick<Clock, "nowMs">; waitMs?: number },
  atMs: number,
): Promise<Reached[] | null> {
  const sinceMs = clock.nowMs() + CLOCKS_MS;
  const limit = pause(waitMs);
  let isLate = false;
  const over = limit.over.then(() => {
    isLate = true;
    return null;
  });
  let reached: Reached[] | null = null;
  const look = async () => {
    const machines = await listMachines(db, clock.nowMs());
    return machines.flatMap((machine) => reachedOf(machine, { atMs, sinceMs, nowMs: clock.nowMs() }));
  };
  try {
    while (!isLate) {
      reached = (await Promise.race([look().catch(nullIfAway), over])) ?? reached;
      if (reached?.every(({ state }) => state !== "unseen")) break;
      await Promise.race([systemClock.sleep(POLL_MS), over]);
    }
    return reached;
  } finally {
    limit.end();
  }
}

function nullIfAway(error: unknown): null {
  if (isUnreachable(error)) return null;
  throw error;
}

/** None of those that were gone before the switch was set. */
function reachedOf(
  { id, part, name, lookedAt, lease }: MachineView,
  { atMs, sinceMs, nowMs }: Record<"atMs" | "sinceMs" | "nowMs", number>,
): Reached[] {
  const machine = (state: Reached["state"]) => [{ id, part, name, state, lookedAt: toIso(lookedAt) }];
  const isOfNow = lease.since !== null && lease.since >= atMs;
  if (lease.state === "live") return machine(lookedAt >= sinceMs ? "seen" : "unseen");
  if (lease.state === "ended") return isOfNow ? machine("ended") : [];
  return isOfNow || nowMs - lease.until < FORGOTTEN_MS ? machine("unreachable") : [];
}
