import { randomBytes } from "node:crypto";
import type Database from "better-sqlite3";
import { periodsAt } from "../../src/rails/windows.ts";

export interface RawCall {
  atMs: number;
  tick: string;
  job: string;
  requestHash: string;
}

/**
 * What a guarded call writes, as somebody would write it by hand who checks nothing: one transaction before the call and
 * one after it, with the same rows in the same tables. `record` runs in the second one, where a completion is kept.
 */
export function rawGuard(
  database: Database.Database,
  record: (call: RawCall) => void = () => undefined,
): (call: RawCall) => void {
  const clock = database.prepare(
    `insert into budget_clock (id, latest_at, anchor_at, uptime_ms, boot_id) values (1, @at, @at, 0, 'bench')
     on conflict (id) do update set latest_at = excluded.latest_at`,
  );
  const reserve = database.prepare(
    `insert into budget_windows ("window", period, cap_micros, reserved_micros, reserved_tokens, reserved_calls)
     values (@window, @period, 1000000000, 1000, 100, 1)
     on conflict ("window", scope, period) do update set reserved_micros = reserved_micros + 1000,
       reserved_tokens = reserved_tokens + 100, reserved_calls = reserved_calls + 1`,
  );
  const insert = database.prepare(
    `insert into ledger (id, state, model, created_at, deadline_at, finished_at, estimate_micros, estimate_tokens,
       cost_micros, cost_tokens, input_tokens, output_tokens, minute, day, week, month, job, tick, step, runner, request_hash, degraded, error)
     values (@id, 'sending', 'openai/bench', @at, @at + 360000, null, 1000, 100, null, null, null, null, @minute, @day, @week, @month,
       @job, @tick, 'step', 'runner', @hash, 0, null)`,
  );
  const finish = database.prepare(
    `update ledger set state = 'settled', finished_at = @at, cost_micros = 400, cost_tokens = 10, input_tokens = 7, output_tokens = 3
     where id = @id`,
  );
  const settle = database.prepare(
    `update budget_windows set reserved_micros = reserved_micros - 1000, settled_micros = settled_micros + 400,
       reserved_tokens = reserved_tokens - 100, settled_tokens = settled_tokens + 10,
       reserved_calls = reserved_calls - 1, settled_calls = settled_calls + 1
     where "window" = @window and period = @period`,
  );
  const before = database.transaction((row: Row, windows: Counter[]) => {
    clock.run({ at: row.at });
    for (const counter of windows) reserve.run(counter);
    insert.run(row);
  });
  const after = database.transaction((row: Row, windows: Counter[], call: RawCall) => {
    clock.run({ at: row.at });
    finish.run({ id: row.id, at: row.at });
    for (const counter of windows) settle.run(counter);
    record(call);
  });
  return (call) => {
    const row = rowOf(call);
    const windows = countersOf(row);
    before.immediate(row, windows);
    after.immediate(row, windows, call);
  };
}

type Row = ReturnType<typeof rowOf>;
interface Counter {
  window: string;
  period: string;
}

function rowOf({ atMs, tick, job, requestHash }: RawCall) {
  const time = new Date(atMs).toISOString();
  const [minute, day, month] = [time.slice(0, 16), time.slice(0, 10), time.slice(0, 7)];
  const { week } = periodsAt(atMs, "UTC");
  const id = randomBytes(13).toString("hex");
  return { id, at: atMs, minute, day, week, month, tick, job, hash: requestHash };
}

function countersOf({ tick, job, minute, day, week, month }: Row): Counter[] {
  return [
    { window: "tick", period: tick },
    { window: "job", period: job },
    { window: "hour", period: minute },
    { window: "day", period: day },
    { window: "week", period: week },
    { window: "month", period: month },
  ];
}
