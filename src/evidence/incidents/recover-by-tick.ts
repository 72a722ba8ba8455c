import type { Trx } from "../../store/schema.ts";

/** What is over once a tick goes through, with work or without. */
const BY_ANY = [
  "tick_failed",
  "state_rolled_back",
  "disk_low",
  "unit_failed:afk.service",
  "unit_failed:afk-loop.service",
];
/** What is over only once work goes through again. */
const BY_WORK = ["wedged", "overrun"];

/**
 * Ends the incidents that a tick which went well shows to be over. One that had a sign since the tick began is not: the
 * tick that tells of it proves nothing. Gives how many ended.
 */
export async function recoverByTick(
  trx: Trx,
  tick: { outcome: string; startedAt: number },
  nowMs: number,
): Promise<number> {
  const causes = [
    ...(tick.outcome === "ok" || tick.outcome === "idle" ? BY_ANY : []),
    ...(tick.outcome === "ok" ? BY_WORK : []),
  ];
  if (causes.length === 0) return 0;
  const result = await trx
    .updateTable("incidents")
    .set((eb) => ({ recovered_at: eb.fn<number>("max", [eb.val(nowMs), "opened_at"]) }))
    .where("cause_key", "in", causes)
    .where("last_at", "<", tick.startedAt)
    .where("recovered_at", "is", null)
    .where("closed_at", "is", null)
    .executeTakeFirst();
  return Number(result.numUpdatedRows);
}
