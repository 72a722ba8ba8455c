import type { Config } from "../../../src/config/config.ts";
import { renderMetrics } from "../../../src/dashboard/metrics.ts";
import { createSnapshots } from "../../../src/dashboard/snapshot.ts";
import { readCalls, readRuns } from "../../../src/evidence/report/read-money.ts";
import { readTicks } from "../../../src/evidence/report/read-records.ts";
import { readReport } from "../../../src/evidence/report/read-report.ts";
import { dayBounds, dayIn } from "../../../src/lib/days.ts";
import { DAY_MS } from "../../../src/lib/durations.ts";
import { clockAgrees, countersAgree } from "../../../src/ops/counters.ts";
import { readDaySpend, readDayTicks } from "../../../src/ops/history.ts";
import { listLedger } from "../../../src/ops/ledger.ts";
import { readStatus } from "../../../src/ops/status.ts";
import { observe } from "../../../src/ops/worker.ts";
import { peekBudgetNow } from "../../../src/rails/budget-time.ts";
import type { RailsOn } from "../../support/rails-on.ts";

const VERSION = "1.2.3";

/**
 * Everything that anything reads of what was spent and done, since `sinceMs`: to the micro-dollar, and in every digit. With
 * `isByDay` each calendar day by itself too: a call that moved to the day beside its own would not show in a week.
 */
export async function everyTotal(
  rails: RailsOn,
  config: Config,
  sinceMs: number,
  isByDay = true,
): Promise<object> {
  const { clock } = rails;
  const { db } = rails.store;
  const nowMs = clock.nowMs();
  const today = dayIn(await peekBudgetNow(db, clock), config.timezone);
  const status = await readStatus({ config, version: VERSION, db, clock });
  const snapshot = await createSnapshots({ config, version: VERSION, clock, redact: (text) => text })(
    db,
    await observe(config, clock),
  );
  const report = { config, version: VERSION, db, nowMs, fromMs: sinceMs };
  return {
    disagreements: [...(await countersAgree(db)), ...(await clockAgrees(db, nowMs))],
    windows: await db
      .selectFrom("budget_windows")
      .selectAll()
      .where("window", "in", ["day", "month"])
      .orderBy("window")
      .orderBy("period")
      .execute(),
    unknown: await listLedger(db, { unknown: true, limit: 100_000 }),
    newest: await listLedger(db, { unknown: false, limit: 50 }),
    report: await readReport({ ...report, compare: "anthropic/claude-haiku-4-5" }),
    ...(isByDay && { days: await byDay(rails, config.timezone, sinceMs) }),
    spendHistory: await readDaySpend(db, today, 30),
    strip: await readDayTicks(db, today, 14, config.timezone),
    status,
    metrics: (await renderMetrics(snapshot)).text,
    digest: snapshot.digest,
    sources: snapshot.sources,
  };
}

async function byDay({ store: { db }, clock }: RailsOn, timezone: string, sinceMs: number) {
  const days: Record<string, object> = {};
  for (let ms = sinceMs; ms <= clock.nowMs(); ms += DAY_MS / 2) {
    const day = dayIn(ms, timezone);
    if (days[day] !== undefined) continue;
    const span = dayBounds(day, timezone);
    days[day] = {
      calls: sorted(await readCalls(db, span)),
      runs: sorted(await readRuns(db, span)),
      ticks: await readTicks(db, span),
    };
  }
  return days;
}

function sorted<T>(rows: T[]): T[] {
  return rows.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}
