import { newId } from "../lib/ids.ts";
import type { Trx } from "../store/schema.ts";
import type { AlertEvent, AlertPayload } from "./events.ts";

/**
 * Something broke. What a rail does on purpose (cap_hit, kill_set), what waits for a person (draft_pending, call_unknown)
 * and what merely is so (tick_missed, clock_jump, drift_found) is no incident.
 */
export const INCIDENT_EVENTS = [
  "breaker_open",
  "job_dead",
  "heartbeat_late",
  "no_output",
  "unit_failed",
  "overrun",
  "wedged",
  "tick_failed",
  "state_rolled_back",
  "disk_low",
] as const satisfies readonly AlertEvent[];

export type IncidentEvent = (typeof INCIDENT_EVENTS)[number];

/**
 * Opens an incident, counts another sign of one that lasts, or ends it: in the transaction that records the alert. An
 * alert whose key was known is the same sign again, so that it opens nothing and counts nothing.
 */
export async function noteIncident(
  trx: Trx,
  payload: AlertPayload,
  sign: { isNew: boolean; nowMs: number },
): Promise<void> {
  if (isIncident(payload.event)) await open(trx, payload, payload.event, sign);
  else if (payload.event === "breaker_closed")
    await recoverIncident(trx, `breaker_open:${subjectOf(payload)}`, sign.nowMs);
  else if (payload.event === "recovered") await recovered(trx, payload, sign);
}

/** Writes that a cause has gone. Gives whether something was broken by it. */
export async function recoverIncident(trx: Trx, causeKey: string, nowMs: number): Promise<boolean> {
  const result = await trx
    .updateTable("incidents")
    .set((eb) => ({ recovered_at: eb.fn<number>("max", [eb.val(nowMs), "opened_at"]) }))
    .where("cause_key", "=", causeKey)
    .where("recovered_at", "is", null)
    .where("closed_at", "is", null)
    .executeTakeFirst();
  return result.numUpdatedRows > 0n;
}

/** Counts another sign of a cause that lasts. False when none lasts. */
export async function countIncident(trx: Trx, causeKey: string, nowMs: number): Promise<boolean> {
  return await sign(trx, causeKey, { isNew: true, nowMs });
}

/** The cause that the dead letters of one job name and one cause are to their incident. */
export function deadLetterCause(name: string, cause: string): string {
  return `job_dead:${name}:${cause}`;
}

function isIncident(event: AlertEvent): event is IncidentEvent {
  return INCIDENT_EVENTS.some((each) => each === event);
}

async function open(
  trx: Trx,
  payload: AlertPayload,
  event: IncidentEvent,
  { isNew, nowMs }: { isNew: boolean; nowMs: number },
): Promise<void> {
  const causeKey = causeOf(payload, event);
  if ((await sign(trx, causeKey, { isNew, nowMs })) || !isNew) return;
  await insert(trx, payload, { event, causeKey, openedAt: nowMs, recoveredAt: null });
}

/** True when the cause lasts. */
async function sign(
  trx: Trx,
  causeKey: string,
  { isNew, nowMs }: { isNew: boolean; nowMs: number },
): Promise<boolean> {
  const lasting = await trx
    .updateTable("incidents")
    .set((eb) => ({
      last_at: eb.fn<number>("max", [eb.val(nowMs), "last_at"]),
      count: eb("count", "+", isNew ? 1 : 0),
    }))
    .where("cause_key", "=", causeKey)
    .where("recovered_at", "is", null)
    .where("closed_at", "is", null)
    .executeTakeFirst();
  return lasting.numUpdatedRows > 0n;
}

/** What a state that could not be used kept from being written down is written down when it can be used again. */
async function recovered(
  trx: Trx,
  payload: AlertPayload,
  { isNew, nowMs }: { isNew: boolean; nowMs: number },
): Promise<void> {
  const [, event = "", since = ""] = payload.key.split(":");
  if (event === "heartbeat_late" || event === "no_output") await recoverIncident(trx, event, nowMs);
  const sinceMs = Number(since);
  if (event !== "unusable" || !isNew || !Number.isSafeInteger(sinceMs)) return;
  const title = "Configuration or state could not be used";
  const openedAt = Math.min(sinceMs, nowMs);
  await insert(
    trx,
    { ...payload, title },
    { event: "unusable", causeKey: "unusable", openedAt, recoveredAt: nowMs },
  );
}

async function insert(
  trx: Trx,
  payload: AlertPayload,
  of: { event: AlertEvent; causeKey: string; openedAt: number; recoveredAt: number | null },
): Promise<void> {
  await trx
    .insertInto("incidents")
    .values({
      id: newId(of.openedAt),
      cause_key: of.causeKey,
      event: of.event,
      title: payload.title,
      opened_at: of.openedAt,
      last_at: of.recoveredAt ?? of.openedAt,
      count: 1,
      recovered_at: of.recoveredAt,
      tick: payload.tick ?? (await runningTick(trx)),
      job: payload.job ?? null,
      config_hash: await releasedHash(trx),
    })
    .execute();
}

/** What lasts: of a heartbeat or a wedge there is one, of breakers, units, and jobs with what they died of one each. */
function causeOf(payload: AlertPayload, event: IncidentEvent): string {
  switch (event) {
    case "breaker_open":
    case "unit_failed":
    case "job_dead":
      return `${event}:${subjectOf(payload)}`;
    default:
      return event;
  }
}

/** `breaker_open:model:ollama/x:1700` is about `model:ollama/x`: a key ends in what is once only, an instant with its colons. */
function subjectOf({ key, event }: AlertPayload): string {
  return key.slice(event.length + 1).replace(/:(?:\d{4}-\d\d-\d\dT[\d:.]+Z|[^:]*)$/, "");
}

/** The rails know no tick; the one that runs, or died, is where to look. */
async function runningTick(trx: Trx): Promise<string | null> {
  const row = await trx
    .selectFrom("ticks")
    .select("id")
    .where("outcome", "=", "running")
    .orderBy("started_at", "desc")
    .limit(1)
    .executeTakeFirst();
  return row?.id ?? null;
}

async function releasedHash(trx: Trx): Promise<string | null> {
  const row = await trx
    .selectFrom("releases")
    .select("config_hash")
    .orderBy("made_at", "desc")
    .orderBy("id", "desc")
    .limit(1)
    .executeTakeFirst();
  return row?.config_hash ?? null;
}
