import { sql } from "kysely";
import { expect, it } from "vitest";
import { countersAgree } from "../../src/ops/counters.ts";
import { MIGRATIONS } from "../../src/store/migrations.ts";
import type { Db } from "../../src/store/schema.ts";
import { migrate } from "../../src/store/sqlite/migrate.ts";
import { emptyDatabase } from "./empty-database.ts";

const BEFORE = Object.fromEntries(Object.entries(MIGRATIONS).filter(([name]) => name < "0008"));

/** A database of the version before: calls in every state, of three jobs, one of which retention has rolled up. */
async function ofTheVersionBefore(db: Db): Promise<void> {
  await migrate(db, BEFORE);
  const jobs = ["digest@1", "digest@2", "fix@1"];
  for (const key of jobs)
    await sql`insert into jobs (id, key, name, kind, payload, state, attempts, max_attempts, run_at, token, units, by_hand,
        slot_at, label, created_at, updated_at)
      values (${key}, ${key}, ${key.split("@")[0]}, 'digest', 'null', 'done', 1, 5, 1, 1, 0, 0, 1, 'x', 1, 1)`.execute(
      db,
    );
  const calls: [string, string, number, number | null, number | null, string | null, string][] = [
    ["settled", "2026-12-31", 900, 700, 40, "digest@1", "t1"],
    ["settled", "2027-01-01", 900, 1_500, 60, "digest@2", "t1"],
    ["settled", "2027-01-03", 900, 0, null, null, "t2"],
    ["released", "2027-01-03", 900, null, null, "fix@1", "t2"],
    ["unknown", "2027-01-03", 300, null, null, "fix@1", "t2"],
    ["sending", "2027-01-04", 200, null, null, "digest@2", "t3"],
    ["reserved", "2027-01-04", 100, null, null, null, "t3"],
  ];
  for (const [index, [state, day, estimate, cost, tokens, job, tick]] of calls.entries())
    await sql`insert into ledger (id, state, model, created_at, deadline_at, estimate_micros, cost_micros, input_tokens,
        output_tokens, minute, day, month, job, tick, degraded)
      values (${`call-${index}`}, ${state}, 'openai/x', ${index}, ${index}, ${estimate}, ${cost}, ${tokens}, ${tokens},
        ${`${day}T10:00`}, ${day}, ${day.slice(0, 7)}, ${job}, ${tick}, 0)`.execute(db);
  await sql`insert into ledger_days (first_at, day, month, model, job, state, calls, counted, degraded, input_tokens,
      output_tokens, cost_micros, estimate_micros)
    values (1, '2026-12-30', '2026-12', 'openai/x', 'digest', 'settled', 3, 3, 0, 30, 12, 5000, 6000),
      (1, '2026-12-30', '2026-12', 'openai/x', '', 'released', 2, 0, 0, 0, 0, 0, 6000)`.execute(db);
  for (const [window, column] of Object.entries({
    tick: "tick",
    job: "job",
    hour: "minute",
    day: "day",
    month: "month",
  }))
    await sql`insert into budget_windows ("window", period, cap_micros, settled_micros, reserved_micros, overrun_micros)
      select ${window}, ${sql.ref(column)}, 10000, sum(coalesce(cost_micros, 0)),
        sum(case when state in ('reserved', 'sending', 'unknown') then estimate_micros else 0 end),
        sum(case when cost_micros > estimate_micros then cost_micros - estimate_micros else 0 end)
      from ledger where ${sql.ref(column)} is not null group by ${sql.ref(column)}`.execute(db);
  await sql`insert into budget_windows values ('day', '2026-12-30', 10000, 5000, 0, 0)`.execute(db);
  await sql`update budget_windows set settled_micros = settled_micros + 5000
    where "window" = 'month' and period = '2026-12'`.execute(db);
  await sql`insert into open_periods values ('day', '2027-01-04', 5, 9), ('month', '2027-01', 4, 99)`.execute(
    db,
  );
}

const MONEY = sql`"window", period, cap_micros, settled_micros, reserved_micros, overrun_micros`;

it("carries every sum, open call, unknown call and open period over, and adds up what is new", async () => {
  const db = emptyDatabase();
  await ofTheVersionBefore(db);
  const rowsOf = async (query: ReturnType<typeof sql>) => (await query.execute(db)).rows;
  const money = await rowsOf(sql`select ${MONEY} from budget_windows order by "window", period`);
  const states = await rowsOf(sql`select id, state, estimate_micros, cost_micros from ledger order by id`);
  const open = await rowsOf(sql`select * from open_periods order by "window"`);
  await migrate(db);
  const kept = sql`select ${MONEY} from budget_windows where scope = 'agent' and "window" <> 'week'
    order by "window", period`;
  expect(await rowsOf(kept)).toEqual(money);
  expect(await rowsOf(sql`select id, state, estimate_micros, cost_micros from ledger order by id`)).toEqual(
    states,
  );
  expect(await rowsOf(sql`select * from open_periods order by "window"`)).toEqual(open);
  expect(await countersAgree(db)).toEqual([]);
  const sums = (window: string, scope: string) =>
    rowsOf(sql`select period, settled_micros as micros, reserved_micros as reserved, settled_tokens as tokens,
      settled_calls + reserved_calls as calls from budget_windows
      where "window" = ${window} and scope = ${scope} order by period`);
  // The year's last week: what was rolled up of Wednesday, Thursday's call, and January's up to Sunday the third.
  expect(await sums("week", "agent")).toEqual([
    { period: "2026-W53", micros: 7_200, reserved: 300, tokens: 42 + 80 + 120, calls: 7 },
    { period: "2027-W01", micros: 0, reserved: 300, tokens: 0, calls: 2 },
  ]);
  expect(await sums("month", "job:digest")).toEqual([
    { period: "2026-12", micros: 5_700, reserved: 0, tokens: 42 + 80, calls: 4 },
    { period: "2027-01", micros: 1_500, reserved: 200, tokens: 120, calls: 2 },
  ]);
  expect(await sums("day", "job:fix")).toEqual([
    { period: "2027-01-03", micros: 0, reserved: 300, tokens: 0, calls: 1 },
  ]);
});
