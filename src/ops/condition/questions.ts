import type { Config } from "../../config/config.ts";
import { type Clock, toIso } from "../../lib/clock.ts";
import { usdFromMicros } from "../../lib/money.ts";
import { AGENT, capWords, UNITS, type UnitName, type WindowName } from "../../lib/windows.ts";
import { peekBudgetNow } from "../../rails/budget-time.ts";
import { grantsInForce } from "../../rails/granted.ts";
import { peekPeriods } from "../../rails/periods.ts";
import type { Db } from "../../store/schema.ts";
import { amountText } from "./spend.ts";

/** A run that waits for a person's answer about a cap of its job. Instants are ISO 8601 in UTC. */
export interface CapQuestion {
  id: string;
  job: string;
  /** The run's key. */
  run: string;
  message: string;
  askedAt: string;
  expiresAt: string;
}

/** What a run may have now beyond a cap of its job. Amounts in `unit`, dollars as dollars. */
export interface GrantStatus {
  job: string;
  run: string;
  window: WindowName;
  unit: UnitName;
  cap: number;
  extra: number;
  grantedAt: string;
}

/** What is asked about caps and what was answered with yes, as far as both count now. */
export interface CapAnswers {
  questions: CapQuestion[];
  grants: GrantStatus[];
}

/** Each waits for a person, so they are few. */
const SHOWN_MAX = 50;

/** The open questions about caps, and the grants in force; both the newest first. */
export async function readCapAnswers(
  { config, db, clock }: { config: Pick<Config, "budget" | "timezone">; db: Db; clock: Clock },
  nowMs: number,
): Promise<CapAnswers> {
  const asked = await db
    .selectFrom("questions")
    .innerJoin("jobs", "jobs.key", "questions.subject")
    .select(["questions.id", "questions.job", "questions.subject", "questions.message"])
    .select(["questions.asked_at", "questions.expires_at"])
    .where("questions.kind", "=", "cap")
    .where("questions.state", "=", "open")
    .where("questions.expires_at", ">", nowMs)
    .where("jobs.state", "in", ["ready", "running"])
    .orderBy("questions.id", "desc")
    .limit(SHOWN_MAX)
    .execute();
  const budgetMs = await peekBudgetNow(db, clock);
  const periods = await peekPeriods(db, budgetMs, config.timezone);
  const granted = await grantsInForce(db, { periods, budget: config.budget, nowMs: budgetMs });
  return {
    questions: asked.map(({ id, job, subject, message, asked_at, expires_at }) => ({
      ...{ id, job, run: subject, message, askedAt: toIso(asked_at), expiresAt: toIso(expires_at) },
    })),
    grants: granted.map(({ job, jobName, window, amount, cap, extra, granted_at }) => {
      const unit = UNITS.find((each) => each.amount === amount)?.name ?? "usd";
      const shown = (value: number) => (unit === "usd" ? usdFromMicros(value) : value);
      const amounts = { cap: shown(cap), extra: shown(extra) };
      return { job: jobName, run: job, window, unit, ...amounts, grantedAt: toIso(granted_at) };
    }),
  };
}

/** `the run work@1 may use $0.30 more than its day cap of $0.30`. */
export function grantText({ run, window, unit, cap, extra }: GrantStatus): string {
  const name = capWords({ window, unit, scope: AGENT });
  return `the run ${run} may use ${amountText(unit, extra)} more than its ${name} of ${amountText(unit, cap)}`;
}
