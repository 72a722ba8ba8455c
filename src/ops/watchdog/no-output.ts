import { sql } from "kysely";
import { toIso } from "../../lib/clock.ts";
import type { Db } from "../../store/schema.ts";
import type { WatchNotice } from "./heartbeat.ts";

/**
 * So many ticks with work and without output, one after the other, are announced: with a digest a day that is three days.
 * Attempts at one job come within one tick as a rule, so these are three jobs and not three tries.
 */
const EMPTY_TICKS = 3;
/** How far back the last tick with output is looked for. */
const TICKS_BACK = 200;

interface WorkTick {
  id: string;
  started_at: number;
  reason: string | null;
  /** A boolean, or 0 and 1, as the engine has it. */
  gave: boolean | number;
}

/**
 * Whether the last ticks that had work gave nothing: no unit, and no file. Ticks that were idle are no evidence, and
 * those that a rail halted are announced by the rail.
 */
export async function noOutput(db: Db): Promise<WatchNotice | null> {
  const empty = await workTicks(db, EMPTY_TICKS);
  if (empty.length < EMPTY_TICKS || empty.some((tick) => Boolean(tick.gave))) return null;
  const rows = await workTicks(db, TICKS_BACK);
  const [newest] = empty;
  const lastGood = rows.find((tick) => Boolean(tick.gave));
  const since =
    lastGood === undefined
      ? "None before them gave any."
      : `The last that gave some was at ${toIso(lastGood.started_at)}.`;
  const reason = newest?.reason == null ? "" : ` The newest says: ${newest.reason.slice(0, 300)}.`;
  return {
    event: "no_output",
    title: `${EMPTY_TICKS} ticks in a row gave no output`,
    message: `The last ${EMPTY_TICKS} ticks that had work gave neither a unit nor a file. ${since}${reason} What failed for good waits in: afk dead. Look: afk logs --tick ${newest?.id ?? ""}`,
    subject: "",
    occurrence: `after:${lastGood?.id ?? "start"}`,
  };
}

/** The latest ticks that had work, the newest first. The outcomes stand as the index of these ticks has them. */
async function workTicks(db: Db, limit: number): Promise<WorkTick[]> {
  const { rows } = await sql<WorkTick>`
    select id, started_at, reason, case when units > 0 or exists (
      select 1 from outputs where created_at between ticks.started_at and coalesce(ticks.finished_at, 0)
    ) then 1 else 0 end as gave
    from ticks where outcome in ('ok', 'failed', 'crashed')
    order by started_at desc, id desc limit ${sql.lit(limit)}`.execute(db);
  return rows;
}
