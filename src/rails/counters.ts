import { type Expression, type SqlBool, sql } from "kysely";
import { MINUTE_MS } from "../lib/durations.ts";
import { assert } from "../lib/errors.ts";
import { prepared } from "../store/prepared.ts";
import type { Db, Trx, WindowName } from "../store/schema.ts";
import { HOUR_MINUTES, minuteAt, type Window } from "./windows.ts";

export interface Spend {
  settledMicros: number;
  reservedMicros: number;
}

type Counter = Pick<Window, "window" | "period">;

/** What a window holds at `nowMs`: one row, or for the hour the sum of its last minutes. */
export async function readSpend(db: Db, window: Counter, nowMs: number): Promise<Spend> {
  const [spend] = await readSpends(db, [window], nowMs);
  assert(spend !== undefined, "a sum without a row");
  return spend;
}

/** The same for several windows at once, in their order; no two of one name. */
export async function readSpends(db: Db, windows: readonly Counter[], nowMs: number): Promise<Spend[]> {
  if (windows.length === 0) return [];
  const names = namesOf(windows);
  const values = {
    ...periodsOf(windows),
    from: minuteAt(nowMs - HOUR_MINUTES * MINUTE_MS),
    to: minuteAt(nowMs),
  };
  const { rows } = await selecting(names)(db, values);
  return windows.map(({ window }) => {
    const row = rows.find((candidate) => candidate.window === window);
    assert(row !== undefined, "a sum without a row");
    return { settledMicros: Number(row.settled), reservedMicros: Number(row.reserved) };
  });
}

/** Adds a reservation to the windows' counters, and keeps the caps it was accepted under for the schema's own check. */
export async function addReserved(trx: Trx, windows: readonly Window[], micros: number): Promise<void> {
  const caps = Object.fromEntries(windows.map(({ window, capMicros }) => [`${window}_cap`, capMicros]));
  await adding(namesOf(windows))(trx, { ...periodsOf(windows), ...caps, micros });
}

/** Takes a reservation out of the windows' counters and puts what the call cost in its place. */
export async function replaceReserved(
  trx: Trx,
  windows: readonly Counter[],
  { estimateMicros, costMicros }: { estimateMicros: number; costMicros: number },
): Promise<void> {
  const overrun = Math.max(0, costMicros - estimateMicros);
  await replacing(namesOf(windows))(trx, {
    ...periodsOf(windows),
    estimate: estimateMicros,
    cost: costMicros,
    overrun,
  });
}

/* One statement for all windows, since each costs a call more of what SQLite itself takes; one form of it for each set
   of windows that there is: with and without a tick and a job, with and without a cap. The names are of our own making. */

type Values = Record<string, string | number | null>;

const selecting = forNames((names) =>
  prepared((db, values: Values) => {
    const sums = names.map(
      (name) => sql`
      select ${sql.lit(name)} as "window", coalesce(sum(settled_micros), 0) as settled,
        coalesce(sum(reserved_micros), 0) as reserved
      from budget_windows where "window" = ${sql.lit(name)} and ${
        name === "hour"
          ? sql`period >= ${values.from} and period <= ${values.to}`
          : sql`period = ${values[name]}`
      }`,
    );
    const all = sql<{
      window: WindowName;
      settled: number;
      reserved: number;
    }>`${sql.join(sums, sql` union all `)}`;
    return { compile: () => all.compile(db) };
  }),
);

const adding = forNames((names) =>
  prepared((db, values: Values) =>
    db
      .insertInto("budget_windows")
      .values(
        names.map((name) => ({
          window: name,
          period: values[name] as string,
          cap_micros: values[`${name}_cap`] as number | null,
          settled_micros: 0,
          reserved_micros: values.micros as number,
          overrun_micros: 0,
        })),
      )
      .onConflict((conflict) =>
        conflict.columns(["window", "period"]).doUpdateSet((eb) => ({
          cap_micros: eb.ref("excluded.cap_micros"),
          reserved_micros: eb("budget_windows.reserved_micros", "+", eb.ref("excluded.reserved_micros")),
        })),
      ),
  ),
);

const replacing = forNames((names) =>
  prepared((db, values: Values) =>
    db
      .updateTable("budget_windows")
      .set((eb) => ({
        reserved_micros: eb("reserved_micros", "-", values.estimate as number),
        settled_micros: eb("settled_micros", "+", values.cost as number),
        overrun_micros: eb("overrun_micros", "+", values.overrun as number),
      }))
      .where((eb) =>
        eb.or(
          names.map((name): Expression<SqlBool> => eb.and({ window: name, period: values[name] as string })),
        ),
      ),
  ),
);

/** Makes a query once for each set of windows. */
function forNames<Query>(make: (names: WindowName[]) => Query): (names: WindowName[]) => Query {
  const made = new Map<string, Query>();
  return (names) => {
    const key = names.join();
    let query = made.get(key);
    if (query === undefined) {
      query = make(names);
      made.set(key, query);
    }
    return query;
  };
}

function namesOf(windows: readonly Counter[]): WindowName[] {
  return windows.map(({ window }) => window);
}

function periodsOf(windows: readonly Counter[]): Values {
  return Object.fromEntries(windows.map(({ window, period }) => [window, period]));
}
