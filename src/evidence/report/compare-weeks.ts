import type { Db } from "../../store/schema.ts";
import type { TickSums } from "./read-records.ts";
import { NO_TICKS, successRate } from "./read-records.ts";
import { ratioThousandths, sumOf, type Worth } from "./sums.ts";

/** A whole week as far as it is compared. */
interface ComparedWeek extends Worth {
  fromMs: number;
  untilMs: number;
  isWhole: boolean;
  ticks: TickSums;
}

/** What weeks of one sort came to, each figure for one week on average but the rates. Money in micro-dollars. */
export interface WeeksSide {
  weeks: number;
  units: number;
  costMicros: number;
  savedMicros: number;
  revenueMicros: number;
  netMicros: number;
  /** Value out for each dollar in; null where nothing was put in. */
  ratio: number | null;
  /** Of ticks with work, those that went well; null where there were none. */
  successRate: number | null;
  /** Of the printed items that the owner rated, those that were rated up; null where none was. */
  ratedUp: number | null;
  /** How many were rated, in all. */
  rated: number;
}

/** Whole weeks in which something ran: those that cost nothing beside those that cost something. */
export async function compareWeeks(
  db: Db,
  weeks: readonly ComparedWeek[],
): Promise<{ free: WeeksSide; paid: WeeksSide }> {
  const ran = weeks.filter(({ isWhole, ticks, units, costMicros }) => {
    return isWhole && ticks.ticks + units + costMicros > 0;
  });
  return {
    free: await sideOf(
      db,
      ran.filter(({ costMicros }) => costMicros === 0),
    ),
    paid: await sideOf(
      db,
      ran.filter(({ costMicros }) => costMicros > 0),
    ),
  };
}

async function sideOf(db: Db, weeks: readonly ComparedWeek[]): Promise<WeeksSide> {
  const votes = { up: 0, all: 0 };
  for (const { fromMs, untilMs } of weeks) {
    const { up, all } = await readVotes(db, fromMs, untilMs);
    votes.up += up;
    votes.all += all;
  }
  const names = Object.keys(NO_TICKS) as (keyof TickSums)[];
  const ticks = names.map((name) => [name, sumOf(weeks, (week) => week.ticks[name])]);
  const average = (value: (week: ComparedWeek) => number) =>
    weeks.length === 0 ? 0 : sumOf(weeks, value) / weeks.length;
  const costMicros = sumOf(weeks, (week) => week.costMicros);
  const thousandths = ratioThousandths(
    sumOf(weeks, (week) => week.valueMicros),
    costMicros,
  );
  return {
    weeks: weeks.length,
    units: average((week) => week.units),
    costMicros: Math.round(average((week) => week.costMicros)),
    savedMicros: Math.round(average((week) => week.savedMicros)),
    revenueMicros: Math.round(average((week) => week.revenueMicros)),
    netMicros: Math.round(average((week) => week.netMicros)),
    ratio: thousandths === null ? null : thousandths / 1000,
    successRate: successRate(Object.fromEntries(ticks) as TickSums),
    ratedUp: votes.all === 0 ? null : votes.up / votes.all,
    rated: votes.all,
  };
}

/** Of the items that digests printed in a span, how many the owner rated. */
async function readVotes(db: Db, fromMs: number, untilMs: number): Promise<{ up: number; all: number }> {
  const rows = await db
    .selectFrom("digest_items")
    .select(["vote", (eb) => eb.fn.countAll().as("items")])
    .where("created_at", ">=", fromMs)
    .where("created_at", "<", untilMs)
    .where("vote", "is not", null)
    .groupBy("vote")
    .execute();
  const of = (vote: number) => sumOf(rows, (row) => (row.vote === vote ? Number(row.items) : 0));
  return { up: of(1), all: of(1) + of(-1) };
}
