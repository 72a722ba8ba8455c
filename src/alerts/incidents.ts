import { newId } from "../lib/ids.ts";
import { greater } from "../store/greater.ts";
import type { Trx } from "../store/schema.ts";
import type { AlertEvent, AlertPayload } from "./events.ts";

/**
 * Something broke. What a rail does on purpose (cap_hit, kill_set), what waits for a person (draft_pending, call_unknown)
 * and what merely is so (tick_missed, clock_jump, drift_found) is no incident.
 */
export const INCIDENT_EVENTS = [
  "breaker_open",
  "job_dead",
  "expectation_missed",
  "heartbeat_late",
  "no_output",
  "unit_failed",
  "overrun",
  "wedged",
  "tick_failed",
  "state_rolled_back",
  "failover_seen",
  "disk_low",
] as const satisfies readonly AlertEvent[];

/** What an incident is about. While it lasts there is one of each cause. */
export interface Cause {
  event: string;
  subject: string;
}

/**
 * Opens an incident, counts another sign of one that lasts, or ends it: in the transaction that records the alert. An
 * alert whose key was known is the same sign again, so that it opens nothing and counts nothing.
 */
export async function noteIncident(
  trx: Trx,
  { event, subject, occurrence }: Cause & { occurrence: string },
  payload: AlertPayload,
  { isNew, nowMs }: { isNew: boolean; nowMs: number },
): Promise<void> {
  if (INCIDENT_EVENTS.some((each) => each === event)) {
    const cause = { event, subject };
    if (!isNew)
      await lasting(trx, cause)
        .set({ last_at: greater("incidents.last_at", nowMs) })
        .execute();
    else if (!(await countIncident(trx, cause, nowMs))) await insertIncident(trx, cause, payload, nowMs);
  }
  if (event === "breaker_closed") await recoverIncident(trx, { event: "breaker_open", subject }, nowMs);
  if (event !== "recovered") return;
  if (subject !== "unusable") await recoverIncident(trx, { event: subject, subject: "" }, nowMs);
  else if (isNew) await addUnusable(trx, payload, Number(occurrence), nowMs);
}

/** Writes that a cause has gone, if its last sign was before `untilMs`. Gives whether something was broken by it. */
export async function recoverIncident(
  trx: Trx,
  cause: Cause,
  nowMs: number,
  untilMs = Number.MAX_SAFE_INTEGER,
): Promise<boolean> {
  const result = await lasting(trx, cause)
    .set({ recovered_at: greater("incidents.opened_at", nowMs) })
    .where("last_at", "<", untilMs)
    .executeTakeFirst();
  return result.numUpdatedRows > 0n;
}

/** Counts another sign of a cause that lasts. False when none lasts. */
export async function countIncident(trx: Trx, cause: Cause, nowMs: number): Promise<boolean> {
  const result = await lasting(trx, cause)
    .set((eb) => ({ last_at: greater("incidents.last_at", nowMs), count: eb("count", "+", 1) }))
    .executeTakeFirst();
  return result.numUpdatedRows > 0n;
}

function lasting(trx: Trx, { event, subject }: Cause) {
  return trx
    .updateTable("incidents")
    .where("event", "=", event)
    .where("subject", "=", subject)
    .where("recovered_at", "is", null)
    .where("closed_at", "is", null);
}

/** What a state that could not be used kept from being written down is written down when it can be used again. */
async function addUnusable(trx: Trx, payload: AlertPayload, sinceMs: number, nowMs: number): Promise<void> {
  if (!Number.isSafeInteger(sinceMs)) return;
  const title = "Configuration or state could not be used";
  const cause = { event: "unusable", subject: "" };
  const openedAt = Math.min(sinceMs, nowMs);
  await insertIncident(trx, cause, { ...payload, title }, openedAt, { last_at: nowMs, recovered_at: nowMs });
}

async function insertIncident(
  trx: Trx,
  { event, subject }: Cause,
  { title, tick, job }: AlertPayload,
  openedAt: number,
  ended: { last_at: number; recovered_at: number } | null = null,
): Promise<void> {
  // An alert of the rails names no tick, so the one that runs, or that crashed, is taken.
  const running = trx.selectFrom("ticks").select("id").where("outcome", "=", "running");
  const releases = trx.selectFrom("releases").select("config_hash");
  const times = { opened_at: openedAt, last_at: openedAt, ...ended };
  await trx
    .insertInto("incidents")
    .values({
      id: newId(openedAt),
      ...{ event, subject, title, count: 1, ...times },
      job: job ?? null,
      tick: tick ?? running.orderBy("started_at", "desc").limit(1),
      config_hash: releases.orderBy("made_at", "desc").orderBy("id", "desc").limit(1),
    })
    .execute();
}
