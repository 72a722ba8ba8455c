import { type Expression, type SqlBool, sql } from "kysely";
import { MINUTE_MS } from "../lib/durations.ts";
import { assert } from "../lib/errors.ts";
import { type Amount, type Amounts, UNITS } from "../lib/windows.ts";
import { prepared } from "../store/prepared.ts";
import type { Db, Trx } from "../store/schema.ts";
import { type Counter, HOUR_MINUTES, minuteAt, type Window } from "./windows.ts";

/** What a window holds in each unit; `reserved` includes what calls of unknown outcome are charged. */
export type Spend = Record<Amount, { settled: number; reserved: number }>;

/** What windows hold at `nowMs`, in their order: one row each, or for an hour the sum of its last minutes. */
export async function readSpends(db: Db, windows: readonly Counter[], nowMs: number): Promise<Spend[]> {
  if (windows.length === 0) return [];
  const from = minuteAt(nowMs - HOUR_MINUTES * MINUTE_MS);
  const bounded = windows.map(({ window, scope, period }) =>
    window === "hour"
      ? { window, scope, from, to: minuteAt(nowMs) }
      : { window, scope, from: period, to: period },
  );
  const values = bounded.flatMap(({ window, scope, from, to }) => [window, scope, from, to]);
  const { rows } = await selecting(windows.length)(db, values);
  return windows.map((_, index) => {
    const row = rows.find(({ position }) => Number(position) === index);
    assert(row !== undefined, "a sum without a row");
    return {
      micros: { settled: Number(row.settled_micros), reserved: Number(row.reserved_micros) },
      tokens: { settled: Number(row.settled_tokens), reserved: Number(row.reserved_tokens) },
      calls: { settled: Number(row.settled_calls), reserved: Number(row.reserved_calls) },
    };
  });
}

/**
 * How many calls were let through in the minutes of budget time from one instant to another, whatever became of them; `scope`
 * says whose.
 */
export async function readAdmitted(db: Db, scope: string, fromMs: number, toMs: number): Promise<number> {
  const { rows } = await sumAdmitted(db, { scope, from: minuteAt(fromMs), to: minuteAt(toMs) });
  return Number(rows[0]?.calls ?? 0);
}

/** Adds a reservation to the windows' counters, and keeps the caps it was accepted under for the schema's own check. */
export async function addReserved(trx: Trx, windows: readonly Window[], estimate: Amounts): Promise<void> {
  const rows = windows.flatMap(({ window, scope, period, caps }) => [
    ...[window, scope, period],
    ...UNITS.map(({ amount }) => caps[amount] ?? null),
  ]);
  await adding(windows.length)(trx, [...UNITS.map(({ amount }) => estimate[amount]), ...rows]);
}

/** Takes a reservation out of the windows' counters and puts what the call cost in its place. */
export async function replaceReserved(
  trx: Trx,
  windows: readonly Counter[],
  estimate: Amounts,
  cost: Amounts,
): Promise<void> {
  await replacing(windows.length)(trx, [
    ...UNITS.map(({ amount }) => estimate[amount]),
    ...UNITS.map(({ amount }) => cost[amount]),
    ...UNITS.map(({ amount }) => Math.max(0, cost[amount] - estimate[amount])),
    ...windows.flatMap(({ window, scope, period }) => [window, scope, period]),
  ]);
}

/* One statement for all windows, since each costs a call more of what SQLite itself takes; one form of it for each number
   of windows that there is. */

/** In the order in which the query takes them: those of all windows first, then those of each. */
type Values = readonly (string | number | null)[];
type SpendRow = { position: number } & Record<`${"settled" | "reserved"}_${Amount}`, number>;

const selecting = forCount((positions) =>
  prepared((db, values: Values) => {
    const columns = UNITS.flatMap(({ amount }) =>
      [`settled_${amount}`, `reserved_${amount}`].map(
        (column) => sql`coalesce(sum(${sql.ref(column)}), 0) as ${sql.ref(column)}`,
      ),
    );
    const sums = positions.map((at) => {
      const [window, scope, from, to] = [0, 1, 2, 3].map((field) => values[4 * at + field]);
      return sql`select ${sql.lit(at)} as position, ${sql.join(columns)} from budget_windows
        where "window" = ${window} and scope = ${scope} and period >= ${from} and period <= ${to}`;
    });
    const all = sql<SpendRow>`${sql.join(sums, sql` union all `)}`;
    return { compile: () => all.compile(db) };
  }),
);

const sumAdmitted = prepared((db, { scope, from, to }: { scope: string; from: string; to: string }) =>
  db
    .selectFrom("budget_windows")
    .select(({ fn }) => fn.sum<number | null>("admitted_calls").as("calls"))
    .where("window", "=", sql.lit("hour" as const))
    .where("scope", "=", scope)
    .where("period", ">=", from)
    .where("period", "<=", to),
);

const UNIT_COUNT = UNITS.length;

const adding = forCount((positions) =>
  prepared((db, values: Values) => {
    const perWindow = 3 + UNIT_COUNT;
    const startOf = (at: number) => UNIT_COUNT + at * perWindow;
    return db
      .insertInto("budget_windows")
      .values(
        positions.map((at) => ({
          ...counterAt(values, startOf(at)),
          ...named("cap", (unit) => values[startOf(at) + 3 + unit] as number | null),
          ...named("reserved", (unit) => values[unit] as number),
          admitted_calls: sql.lit(1),
        })),
      )
      .onConflict((conflict) =>
        conflict.columns(["window", "scope", "period"]).doUpdateSet((eb) => ({
          ...named("cap", (_unit, amount) => eb.ref(`excluded.cap_${amount}`)),
          ...named("reserved", (_unit, amount) =>
            eb(`budget_windows.reserved_${amount}`, "+", eb.ref(`excluded.reserved_${amount}`)),
          ),
          admitted_calls: eb("budget_windows.admitted_calls", "+", sql.lit(1)),
        })),
      );
  }),
);

const replacing = forCount((positions) =>
  prepared((db, values: Values) => {
    const [estimate, cost, overrun, counters] = [0, 1, 2, 3].map((nth) => nth * UNIT_COUNT);
    const at = (start: number | undefined, unit: number) => values[(start ?? 0) + unit] as number;
    return db
      .updateTable("budget_windows")
      .set((eb) => ({
        ...named("reserved", (unit, amount) => eb(`reserved_${amount}`, "-", at(estimate, unit))),
        ...named("settled", (unit, amount) => eb(`settled_${amount}`, "+", at(cost, unit))),
        ...named("overrun", (unit, amount) => eb(`overrun_${amount}`, "+", at(overrun, unit))),
      }))
      .where((eb) =>
        eb.or(
          positions.map(
            (nth): Expression<SqlBool> => eb.and(counterAt(values, (counters ?? 0) + 3 * nth) as never),
          ),
        ),
      );
  }),
);

/** Makes a query once for each number of windows; it is given their positions. */
function forCount<Query>(make: (positions: number[]) => Query): (count: number) => Query {
  const made = new Map<number, Query>();
  return (count) => {
    let query = made.get(count);
    if (query === undefined) {
      query = make(Array.from({ length: count }, (_, index) => index));
      made.set(count, query);
    }
    return query;
  };
}

/** One field for each unit: `settled_micros`, `settled_tokens`, `settled_calls`. */
function named<const Name extends string, Value>(
  name: Name,
  of: (unit: number, amount: Amount) => Value,
): Record<`${Name}_${Amount}`, Value> {
  const fields = UNITS.map(({ amount }, unit) => [`${name}_${amount}`, of(unit, amount)]);
  return Object.fromEntries(fields) as Record<`${Name}_${Amount}`, Value>;
}

/** What names a counter, from three of the values on. */
function counterAt(values: Values, start: number): Counter {
  const fields = ["window", "scope", "period"].map((name, field) => [name, values[start + field]]);
  return Object.fromEntries(fields) as Counter;
}
