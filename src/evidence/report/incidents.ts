import type { Selectable } from "kysely";
import type { Db } from "../../store/schema.ts";
import type { IncidentsTable } from "../../store/schema-evidence.ts";
import type { Span } from "./read-money.ts";

export interface IncidentSums {
  /** Opened in the span, or before it and still lasting. */
  total: number;
  /** Not seen to be over, and not closed. */
  lasting: number;
  /** Over, and nobody has written down cause, fix and prevention. */
  unexplained: number;
  /** From first sign to recovery, of those that recovered; null where none has. */
  medianRecoveryMs: number | null;
  longestRecoveryMs: number | null;
  /** The newest, at most `LISTED_MAX`. */
  newest: Incident[];
}

export interface Incident {
  id: string;
  event: string;
  title: string;
  openedAt: number;
  count: number;
  /** Null while it lasts, and where it was closed without being seen to recover. */
  recoveryMs: number | null;
  isClosed: boolean;
  cause: string | null;
  fix: string | null;
  prevention: string | null;
  /** The tick whose trace shows it. */
  tick: string | null;
}

const LISTED_MAX = 20;
/** More than a report can be about: one for a cause while it lasts. */
const READ_MAX = 10_000;

export async function readIncidents(db: Db, { fromMs, untilMs }: Span): Promise<IncidentSums> {
  const opened = await db
    .selectFrom("incidents")
    .selectAll()
    .where("opened_at", ">=", fromMs)
    .where("opened_at", "<", untilMs)
    .orderBy("opened_at", "desc")
    .limit(READ_MAX)
    .execute();
  const older = await db
    .selectFrom("incidents")
    .selectAll()
    .where("recovered_at", "is", null)
    .where("closed_at", "is", null)
    .where("opened_at", "<", fromMs)
    .orderBy("opened_at", "desc")
    .limit(READ_MAX)
    .execute();
  const all = [...opened, ...older].map(toIncident);
  const isOver = (row: Incident) => row.isClosed || row.recoveryMs !== null;
  const recoveries = all.flatMap(({ recoveryMs }) => recoveryMs ?? []).sort((a, b) => a - b);
  return {
    total: all.length,
    lasting: all.filter((row) => !isOver(row)).length,
    unexplained: all.filter((row) => isOver(row) && !row.isClosed).length,
    medianRecoveryMs: recoveries[Math.floor((recoveries.length - 1) / 2)] ?? null,
    longestRecoveryMs: recoveries.at(-1) ?? null,
    newest: all.slice(0, LISTED_MAX),
  };
}

function toIncident(row: Selectable<IncidentsTable>): Incident {
  return {
    id: row.id,
    event: row.event,
    title: row.title,
    openedAt: row.opened_at,
    count: row.count,
    recoveryMs: row.recovered_at === null ? null : Math.max(0, row.recovered_at - row.opened_at),
    isClosed: row.closed_at !== null,
    cause: row.cause,
    fix: row.fix,
    prevention: row.prevention,
    tick: row.tick,
  };
}
