import { sql } from "kysely";
import type { Config } from "../../config/config.ts";
import { toIso } from "../../lib/clock.ts";
import { asSentence, endOfError } from "../../lib/text.ts";
import type { Db } from "../../store/schema.ts";
import { hasQuietRun } from "../sources.ts";
import type { WatchNotice } from "./heartbeat.ts";

/** How far back the last tick with output is looked for. */
const TICKS_BACK = 200;

interface WorkTick {
  id: string;
  started_at: number;
  finished_at: number | null;
  outcome: string;
  reason: string | null;
  /** A boolean, or 0 and 1, as the engine has it. */
  gave: boolean | number;
}

/**
 * Whether the last ticks that had work, as many as afk.yaml says (0: never), gave nothing: no unit, and no file. Ticks that
 * were idle are no evidence, and those that a rail halted are announced by the rail. With a digest a day three are three
 * days; attempts at one job come within one tick as a rule, so these are three jobs and not three tries. Nor is it told of
 * where one of them read all sources of a digest and found nothing new: sources are quiet for days.
 */
export async function noOutput(
  db: Db,
  { heartbeat: { emptyTicks }, jobs }: Pick<Config, "heartbeat" | "jobs">,
): Promise<WatchNotice | null> {
  if (emptyTicks === 0) return null;
  const empty = await workTicks(db, emptyTicks);
  if (empty.length < emptyTicks || empty.some((tick) => Boolean(tick.gave))) return null;
  for (const { outcome, started_at, finished_at } of empty)
    if (outcome === "ok" && (await hasQuietRun(db, jobs, started_at, finished_at ?? started_at))) return null;
  const rows = await workTicks(db, TICKS_BACK);
  const [newest] = empty;
  const lastGood = rows.find((tick) => Boolean(tick.gave));
  const since =
    lastGood === undefined
      ? "None before them gave any."
      : `The last that gave some was at ${toIso(lastGood.started_at)}.`;
  const reason = newest?.reason == null ? "" : ` The newest says: ${asSentence(endOfError(newest.reason))}`;
  return {
    event: "no_output",
    title: emptyTicks === 1 ? "A tick gave no output" : `${emptyTicks} ticks in a row gave no output`,
    message: `${emptyTicks === 1 ? "The last tick that had work" : `The last ${emptyTicks} ticks that had work`} gave neither a unit nor a file. ${since}${reason} What failed for good waits in: afk dead`,
    subject: "",
    occurrence: `after:${lastGood?.id ?? "start"}`,
  };
}

/** The latest ticks that had work, the newest first. The outcomes stand as the index of these ticks has them. */
async function workTicks(db: Db, limit: number): Promise<WorkTick[]> {
  const { rows } = await sql<WorkTick>`
    select id, started_at, finished_at, outcome, reason, case when units > 0 or exists (
      select 1 from outputs where created_at between ticks.started_at and coalesce(ticks.finished_at, 0)
    ) then 1 else 0 end as gave
    from ticks where outcome in ('ok', 'failed', 'crashed')
    order by started_at desc, id desc limit ${sql.lit(limit)}`.execute(db);
  return rows;
}
