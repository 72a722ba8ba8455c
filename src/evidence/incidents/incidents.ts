import type { Selectable } from "kysely";
import type { Outbox } from "../../alerts/outbox.ts";
import { toIso } from "../../lib/clock.ts";
import { MINUTE_MS } from "../../lib/durations.ts";
import { AfkError } from "../../lib/errors.ts";
import { viewOf } from "../../lib/view.ts";
import type { StateAccess } from "../../ops/alerting.ts";
import type { IncidentsTable } from "../../store/schema/evidence.ts";
import type { Db } from "../../store/schema.ts";
import { writeIncidents } from "./incidents-file.ts";

type IncidentRow = Selectable<IncidentsTable>;

/** What broke, as commands show it. */
export type Incident = ReturnType<typeof incidentOf>;

/** What a person writes down to close an incident. */
export interface Closing {
  cause: string;
  fix: string;
  prevention: string;
  /** The version or release that fixed it; null where nothing was released for it. */
  fixedBy: string | null;
}

/** There is no such incident, or it cannot be closed so; nothing was changed. */
export class IncidentRefused extends AfkError {
  constructor(code: string, message: string) {
    super(code, message, { retry: "never" });
  }
}

/** The newest first; those that a person closed only when asked for. */
export async function listIncidents(db: Db, { all, limit }: { all: boolean; limit: number }) {
  const rows = await db
    .selectFrom("incidents")
    .selectAll()
    .$if(!all, (query) => query.where("closed_at", "is", null))
    .orderBy("opened_at", "desc")
    .orderBy("id", "desc")
    .limit(limit)
    .execute();
  return rows.map(incidentOf);
}

/** One incident, with what its first alert said. @throws IncidentRefused */
export async function showIncident(db: Db, id: string): Promise<Incident & { message: string | null }> {
  const row = await find(db, id);
  const alert = await db
    .selectFrom("alerts")
    .select("payload")
    .where("event", "=", row.event)
    .where("created_at", "=", row.opened_at)
    .orderBy("id")
    .limit(1)
    .executeTakeFirst();
  const message = alert === undefined ? null : (JSON.parse(alert.payload) as { message: string }).message;
  return { ...incidentOf(row), message };
}

const WORDS_MAX = 2_000;

/**
 * Writes down why it broke, what mended it, and what keeps it from coming again; then the file for people.
 * @throws IncidentRefused for an unknown or closed one, and for words that say nothing.
 */
export async function closeIncident(
  { config, store, clock, redact }: Pick<StateAccess, "config" | "store" | "clock"> & Pick<Outbox, "redact">,
  id: string,
  closing: Closing,
): Promise<Incident> {
  const words = {
    cause: sayable("cause", redact(closing.cause)),
    fix: sayable("fix", redact(closing.fix)),
    prevention: sayable("prevention", redact(closing.prevention)),
    fixed_by: closing.fixedBy === null ? null : sayable("fixed-by", redact(closing.fixedBy)),
  };
  const row = await store.atomically(async (trx) => {
    const found = await find(trx, id);
    if (found.closed_at !== null)
      throw new IncidentRefused(
        "incident_closed",
        `incident ${id} was closed at ${toIso(found.closed_at)}; nothing was changed`,
      );
    const closed = { ...words, closed_at: Math.max(clock.nowMs(), found.opened_at) };
    await trx.updateTable("incidents").set(closed).where("id", "=", id).execute();
    return { ...found, ...closed };
  });
  await writeIncidents({ config, db: store.db });
  return incidentOf(row);
}

/** What a person wrote, if it says anything. @throws IncidentRefused */
export function sayable(name: string, text: string): string {
  const said = text.trim();
  if (!/[\p{L}\p{N}]/u.test(said))
    throw new IncidentRefused(
      "nothing_said",
      `--${name} says nothing; write what there is to know, or that nobody knows`,
    );
  if (said.length > WORDS_MAX)
    throw new IncidentRefused("too_long", `--${name} is longer than ${WORDS_MAX} characters; say it shorter`);
  return said;
}

function incidentOf({ subject: _subject, ...row }: IncidentRow) {
  const { opened_at, recovered_at, closed_at } = row;
  const lasts = recovered_at === null ? ("lasting" as const) : ("recovered" as const);
  return {
    ...viewOf(row),
    state: closed_at === null ? lasts : ("closed" as const),
    /** From the first sign to the recovery; null while it lasts, or when it was closed without one. */
    recoveryMs: recovered_at === null ? null : recovered_at - opened_at,
    /** The command that shows what happened in its tick; outside of one, what happened shortly before and since. */
    trace:
      row.tick === null
        ? `afk logs --since ${toIso(Math.max(0, opened_at - BEFORE_MS))}`
        : `afk logs --tick ${row.tick}`,
  };
}

const BEFORE_MS = 10 * MINUTE_MS;

async function find(db: Db, id: string): Promise<IncidentRow> {
  const row = await db.selectFrom("incidents").selectAll().where("id", "=", id).executeTakeFirst();
  if (row === undefined)
    throw new IncidentRefused(
      "unknown_incident",
      `there is no incident ${id}; see: afk incidents list --all`,
    );
  return row;
}
