import { sql } from "kysely";
import { readMeta } from "../store/meta.ts";
import type { Db, TicksTable } from "../store/schema.ts";

export type TickTotals = Partial<Record<TicksTable["outcome"], number>>;

/** The newest ticks are counted anew each time: one of them may still change its outcome. */
const OPEN_ENDED = 50;

/**
 * Counts every tick there ever was by its outcome. What it has counted before it does not read again, unless retention has
 * removed some of it since. For a reader to whom all is of one moment.
 */
export function createTickTotals(): (db: Db) => Promise<TickTotals> {
  let settled: TickTotals = {};
  let forgotten: TickTotals = {};
  let upTo = "";
  return async (db) => {
    const gone = await readForgotten(db);
    if (ENDED.some((outcome) => gone[outcome] !== forgotten[outcome])) {
      settled = { ...gone };
      forgotten = gone;
      upTo = "";
    }
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

const ENDED = ["ok", "idle", "halted", "failed", "crashed"] as const;
const OUTCOMES = [...ENDED, "running"] as const;

/** What retention has removed: a few numbers, and not the sums by day. */
async function readForgotten(db: Db): Promise<TickTotals> {
  const totals: TickTotals = {};
  for (const outcome of ENDED) {
    const ticks = await readMeta(db, `forgotten_ticks_${outcome}`);
    if (ticks > 0) totals[outcome] = ticks;
  }
  return totals;
}

async function count(db: Db, range: { above: string; upTo: string | null }): Promise<TickTotals> {
  // The first time it is every tick there is. By the index of the ids that is a jump a tick, and in the order of the
  // table (the plus keeps the index out) a third of the time; groups of their own would take as long again.
  const id = range.above === "" ? sql<string>`+id` : sql.ref<string>("id");
  const all = db
    .selectFrom("ticks")
    .select((eb) =>
      OUTCOMES.map((outcome) => eb.fn.countAll<number>().filterWhere("outcome", "=", outcome).as(outcome)),
    )
    .where(id, ">", range.above);
  const row = await (range.upTo === null ? all : all.where(id, "<=", range.upTo)).executeTakeFirstOrThrow();
  return Object.fromEntries(OUTCOMES.flatMap((each) => (row[each] > 0 ? [[each, Number(row[each])]] : [])));
}

function add(totals: TickTotals, more: TickTotals): void {
  for (const outcome of Object.keys(more) as (keyof TickTotals)[])
    totals[outcome] = (totals[outcome] ?? 0) + (more[outcome] ?? 0);
}
