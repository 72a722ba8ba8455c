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
  const { rows } = await selecting(windows.length)(db, numbered(bounded));
  return windows.map((_, index) => {
    const row = rows.find(({ position }) => Number(position) === index);
    assert(row !== undefined, "a sum without a row");
    const units = UNITS.map(({ amount }) => [
      amount,
      { settled: Number(row[`settled_${amount}`]), reserved: Number(row[`reserved_${amount}`]) },
    ]);
    return Object.fromEntries(units) as Spend;
  });
}

/** Adds a reservation to the windows' counters, and keeps the caps it was accepted under for the schema's own check. */
export async function addReserved(trx: Trx, windows: readonly Window[], estimate: Amounts): Promise<void> {
  const rows = windows.map(({ caps, ...counter }) => ({
    ...counter,
    ...named("cap", (amount) => caps[amount] ?? null),
  }));
  await adding(windows.length)(trx, {
    ...numbered(rows),
    ...named("estimate", (amount) => estimate[amount]),
  });
}

/** Takes a reservation out of the windows' counters and puts what the call cost in its place. */
export async function replaceReserved(
  trx: Trx,
  windows: readonly Counter[],
  estimate: Amounts,
  cost: Amounts,
): Promise<void> {
  await replacing(windows.length)(trx, {
    ...numbered(windows.map(({ window, scope, period }) => ({ window, scope, period }))),
    ...named("estimate", (amount) => estimate[amount]),
    ...named("cost", (amount) => cost[amount]),
    ...named("overrun", (amount) => Math.max(0, cost[amount] - estimate[amount])),
  });
}

/* One statement for all windows, since each costs a call more of what SQLite itself takes; one form of it for each number
   of windows that there is. */

type Values = Record<string, string | number | null>;
type SpendRow = { position: number } & Record<`${"settled" | "reserved"}_${Amount}`, number>;

const selecting = forCount((positions) =>
  prepared((db, values: Values) => {
    const columns = UNITS.flatMap(({ amount }) =>
      [`settled_${amount}`, `reserved_${amount}`].map(
        (column) => sql`coalesce(sum(${sql.ref(column)}), 0) as ${sql.ref(column)}`,
      ),
    );
    const sums = positions.map(
      (at) => sql`select ${sql.lit(at)} as position, ${sql.join(columns)} from budget_windows
      where "window" = ${values[`window${at}`]} and scope = ${values[`scope${at}`]}
        and period >= ${values[`from${at}`]} and period <= ${values[`to${at}`]}`,
    );
    const all = sql<SpendRow>`${sql.join(sums, sql` union all `)}`;
    return { compile: () => all.compile(db) };
  }),
);

const adding = forCount((positions) =>
  prepared((db, values: Values) =>
    db
      .insertInto("budget_windows")
      .values(
        positions.map((at) => ({
          ...(counterAt(values, at) as unknown as Counter),
          ...named("cap", (amount) => values[`cap_${amount}${at}`] as number | null),
          ...named("reserved", (amount) => values[`estimate_${amount}`] as number),
        })),
      )
      .onConflict((conflict) =>
        conflict.columns(["window", "scope", "period"]).doUpdateSet((eb) => ({
          ...named("cap", (amount) => eb.ref(`excluded.cap_${amount}`)),
          ...named("reserved", (amount) =>
            eb(`budget_windows.reserved_${amount}`, "+", eb.ref(`excluded.reserved_${amount}`)),
          ),
        })),
      ),
  ),
);

const replacing = forCount((positions) =>
  prepared((db, values: Values) =>
    db
      .updateTable("budget_windows")
      .set((eb) => ({
        ...named("reserved", (amount) =>
          eb(`reserved_${amount}`, "-", values[`estimate_${amount}`] as number),
        ),
        ...named("settled", (amount) => eb(`settled_${amount}`, "+", values[`cost_${amount}`] as number)),
        ...named("overrun", (amount) => eb(`overrun_${amount}`, "+", values[`overrun_${amount}`] as number)),
      }))
      .where((eb) =>
        eb.or(positions.map((at): Expression<SqlBool> => eb.and(counterAt(values, at) as never))),
      ),
  ),
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

/** The fields of all rows as one set of values, each with its row's position behind its name. */
function numbered(rows: readonly Values[] | readonly object[]): Values {
  return Object.fromEntries(
    rows.flatMap((row, at) => Object.entries(row).map(([name, value]) => [`${name}${at}`, value])),
  );
}

/** One field for each unit: `settled_micros`, `settled_tokens`, `settled_calls`. */
function named<const Name extends string, Value>(
  name: Name,
  of: (amount: Amount) => Value,
): Record<`${Name}_${Amount}`, Value> {
  const fields = UNITS.map(({ amount }) => [`${name}_${amount}`, of(amount)]);
  return Object.fromEntries(fields) as Record<`${Name}_${Amount}`, Value>;
}

function counterAt(values: Values, at: number): Values {
  const fields = ["window", "scope", "period"].map((name) => [name, values[`${name}${at}`]]);
  return Object.fromEntries(fields) as Values;
}
