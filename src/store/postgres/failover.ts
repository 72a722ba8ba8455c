import type { Trx } from "../schema.ts";
import type { AtGate } from "./gate.ts";
import type { Reading } from "./mark.ts";

/** Says what is wrong with the database as a whole, in words; null where it is the one that this machine and the gate know. */
export type Judge = (gate: AtGate, reading: Reading) => string | null;

/**
 * A database that is another one, or behind what it has acknowledged: its counters have forgotten what was spent since. A mark of
 * an earlier epoch is of before another machine saw that, and a person has been asked since; only a foreign one is not excused.
 */
export function judgeOrigin(gate: AtGate, { mark, problem }: Reading): string | null {
  const { known, found } = gate;
  if (problem !== null)
    return `${problem}, so it is not known what this machine has seen the database acknowledge`;
  if (known.systemId !== "" && known.systemId !== found.systemId)
    return `it is in another server than before (system identifier ${found.systemId}, was ${known.systemId}): a copy, or a dump that was restored`;
  if (known.systemId !== "" && known.timeline !== found.timeline)
    return `its server was promoted or restored to an earlier moment (timeline ${found.timeline}, was ${known.timeline})`;
  if (mark.systemId !== "" && mark.systemId !== found.systemId)
    return `this machine has worked with another one (system identifier ${mark.systemId}, this is ${found.systemId})`;
  if (mark.epoch < gate.epoch) return null;
  if (mark.timeline !== "" && mark.timeline !== found.timeline)
    return `its server was promoted or restored to an earlier moment (timeline ${found.timeline}, this machine knows ${mark.timeline})`;
  const before = gate.generation - 1;
  if (mark.epoch > gate.epoch || mark.generation > before)
    return `it is an older copy (generation ${before}, and this machine has seen ${mark.generation} acknowledged)`;
  return null;
}

/**
 * Keeps the database that the gate's row is in, where that was not known. Where it is another or behind, the kill switch is set in
 * this very transaction, and what was found is written down to be told.
 * @returns whether anything was written.
 */
export async function checkOrigin(
  trx: Trx,
  gate: AtGate,
  reading: Reading,
  judge: Judge = judgeOrigin,
): Promise<"failover" | "new" | null> {
  const found = judge(gate, reading);
  if (found === null && gate.known.systemId !== "") return null;
  if (found !== null) {
    // Above whatever any machine may remember of the one before.
    gate.epoch = Math.max(gate.epoch, reading.mark.epoch) + 1;
    await stop(trx, gate, `the database failed over: ${found}. ${FORGOTTEN}`);
  }
  await trx
    .updateTable("gate")
    .set({ epoch: gate.epoch, system_id: gate.found.systemId, timeline: gate.found.timeline })
    .where("id", "=", 1)
    .execute();
  return found === null ? "new" : "failover";
}

/** What it means, and what to do. */
export const FORGOTTEN =
  "Calls that it had acknowledged may be missing from the ledger. Look (afk machines; afk ledger list --since), then: afk resume";

async function stop(trx: Trx, gate: AtGate, reason: string): Promise<void> {
  await trx
    .updateTable("kill_switch")
    .set({ set_at: gate.nowMs, reason })
    .where("id", "=", 1)
    .where("set_at", "is", null)
    .execute();
  await noteEvent(trx, gate, "failover_seen", reason);
}

/** Writes down what was found, for the next outbox to tell. */
export async function noteEvent(
  trx: Trx,
  gate: AtGate,
  event: "failover_seen" | "clock_jump",
  reason: string,
): Promise<void> {
  await trx
    .insertInto("database_events")
    .values({
      generation: gate.generation,
      event,
      at: gate.nowMs,
      reason,
      told_at: null,
      confirmed_at: null,
    })
    .execute();
}
