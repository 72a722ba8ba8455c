import { sql } from "kysely";
import { HOUR_MS, MINUTE_MS } from "../lib/durations.ts";
import { formatUsd } from "../lib/money.ts";
import { AGENT, type OwnerColumns, type Scope } from "../lib/windows.ts";
import { prepared, unplanned } from "../store/prepared.ts";
import type { Trx } from "../store/schema.ts";
import { readAdmitted } from "./counters.ts";
import { minuteAt, ownerColumns, ownerScope } from "./windows.ts";

/** What a runaway looks like, long before a daily cap would stop it. Money in micro-dollars; null is no limit. */
export interface RunawayRules {
  /** Of one client or job to one model. */
  callsPerMinute: number;
  /** Calls of one hour with the very same request: a loop. */
  sameRequestPerHour: number;
  spendPerFiveMinutesMicros: number | null;
}

/**
 * Whether the next call to `model` would be part of a runaway: a burst of calls, a loop, or a burst of spending.
 * @returns why the model must not be called; null when nothing stands against it. Each check looks for the row that would be one
 * too many, and reads no more rows than its limit lets whoever calls that model make.
 */
export async function findRunaway(
  trx: Trx,
  call: { model: string; requestHash: string | null; estimateMicros: number; scope: Scope },
  rules: RunawayRules,
  times: { budgetMs: number; wallMs: number },
): Promise<string | null> {
  const { callsPerMinute, sameRequestPerHour } = rules;
  const { requestHash } = call;
  const hour = { since: times.wallMs - HOUR_MS, skip: sameRequestPerHour - 1 };
  const [admitted, same] = await Promise.all([
    readAdmitted(trx, ownerScope(call.scope), times.budgetMs - MINUTE_MS, times.budgetMs),
    requestHash === null ? null : sameBeyond(trx, { ...hour, value: requestHash }),
  ]);
  const minute = { model: call.model, since: times.wallMs - MINUTE_MS, skip: callsPerMinute - 1 };
  // Calls of all models are known from the counters of two minutes; to which they were is asked when there are so many.
  if (
    admitted >= callsPerMinute &&
    (await callBeyond(trx, { ...minute, ...ownerColumns(call.scope) })).rows.length > 0
  )
    return `${callsPerMinute} calls in a minute, the limit of breaker.calls_per_minute`;
  if (same !== null && same.rows.length > 0)
    return `the same request ${sameRequestPerHour} times in an hour, the limit of breaker.same_request_per_hour`;
  return await spendSpike(trx, call.estimateMicros, rules.spendPerFiveMinutesMicros, times.budgetMs);
}

/** Whether there are more than `skip` calls of one client or job to a model since an instant. Those of others are none of its doing. */
const callBeyond = prepared((db, call: { model: string; since: number; skip: number } & OwnerColumns) =>
  db
    .selectFrom("ledger")
    .select("id")
    .where("model", "=", call.model)
    .where("created_at", ">", unplanned(call.since))
    .where("client", "is not distinct from", call.client)
    .where("job_name", "is not distinct from", call.job_name)
    .limit(sql.lit(1))
    .offset(call.skip),
);

/** The same of one request; what comes from the gateway has its caller in the hash. */
const sameBeyond = prepared((db, call: { value: string; since: number; skip: number }) =>
  db
    .selectFrom("ledger")
    .select("id")
    .where("request_hash", "=", call.value)
    .where("created_at", ">", unplanned(call.since))
    .limit(sql.lit(1))
    .offset(call.skip),
);

/** From the hour's own counters, which are kept by the minute of budget time; the current minute and the five before it. */
async function spendSpike(
  trx: Trx,
  estimateMicros: number,
  limitMicros: number | null,
  budgetMs: number,
): Promise<string | null> {
  if (limitMicros === null || estimateMicros === 0) return null;
  const { micros } = await trx
    .selectFrom("budget_windows")
    .select((eb) => eb.fn.sum<number>(eb("settled_micros", "+", eb.ref("reserved_micros"))).as("micros"))
    .where("window", "=", "hour")
    .where("scope", "=", AGENT)
    .where("period", ">=", minuteAt(budgetMs - 5 * MINUTE_MS))
    .where("period", "<=", minuteAt(budgetMs))
    .executeTakeFirstOrThrow();
  const spentMicros = Number(micros ?? 0);
  if (spentMicros + estimateMicros <= limitMicros) return null;
  return `${formatUsd(spentMicros)} in five minutes, with ${formatUsd(estimateMicros)} more wanted: above breaker.usd_per_five_minutes`;
}
