import type { Db, TicksTable } from "../store/schema.ts";

export type TickTotals = Partial<Record<TicksTable["outcome"], number>>;

/** The newest ticks are counted anew each time: one of them may still change its outcome. */
const OPEN_ENDED = 50;

/** Counts every tick there is by its outcome; what it has counted before it does not read again. */
export function createTickTotals(): (db: Db) => Promise<TickTotals> {
  const settled: TickTotals = {};
  let upTo = "";
  return async (db) => {
    const edge = await db
      .selectFrom("ticks")
      .select("id")
      .orderBy("id", "desc")
      .offset(OPEN_ENDED)
      .limit(1)
      .executeTakeFirst();
    if (edge !== undefined && edge.id > upTo) {
      add(settled, await count(db, { above: upTo, upTo: edge.id }));
      upTo = edge.id;
    }
    const totals = { ...settled };
    add(totals, await count(db, { above: upTo, upTo: null }));
    return totals;
  };
}

async function count(db: Db, range: { above: string; upTo: string | null }): Promise<TickTotals> {
  const all = db
    .selectFrom("ticks")
    .select((eb) => ["outcome", eb.fn.countAll<number>().as("count")])
    .where("id", ">", range.above);
  const rows = await (range.upTo === null ? all : all.where("id", "<=", range.upTo))
    .groupBy("outcome")
    .execute();
  return Object.fromEntries(rows.map((row) => [row.outcome, Number(row.count)]));
}

function add(totals: TickTotals, more: TickTotals): void {
  for (const outcome of Object.keys(more) as (keyof TickTotals)[])
    totals[outcome] = (totals[outcome] ?? 0) + (more[outcome] ?? 0);
}
