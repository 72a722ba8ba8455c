import { BUDGET_KEYS } from "../config/caps.ts";
import type { BudgetConfig, Config } from "../config/config.ts";
import { USD_MAX } from "../config/fields.ts";
import { formatUsd, MICROS_PER_USD, usdFromMicros } from "../lib/money.ts";

/** What a drill asks of its scratch configuration; the rest is as the real one says. */
export interface Plan {
  /**
   * Which caps: all as they are (the default), with those of 0 put aside since they refuse everything; the day's or the
   * hour's alone, so that no other refuses first; or a day's cap of 0.
   */
  caps?: "as_they_are" | "day" | "hour" | "zero";
  /** Models in order; one of the counting endpoint's unless stated. */
  chain?: readonly string[];
  /** USD per million input tokens of the model; free unless stated. */
  inputPrice?: number;
  /** Where `openai/…` is reached. */
  openaiUrl?: string;
  /** Jobs as afk.yaml has them. */
  jobs?: readonly Record<string, unknown>[];
  /** Whether 127.0.0.1 may be fetched. */
  isLoopbackAllowed?: boolean;
}

/** The model that the counting endpoint answers for. */
export const MODEL = "ollama/afk-drill";

/** Below these a drill, which is short and repeats itself, would be taken for a runaway. */
const CALLS_PER_MINUTE_MIN = 60;

const DEFAULT_HOURLY_MICROS = MICROS_PER_USD / 4;

/** A smaller cap has no room for a call that costs a part of it: costs are rounded up to whole micro-dollars. */
export const CAP_MICROS_MIN = 100;

/**
 * The text of a scratch afk.yaml (JSON is YAML) with the real configuration's limits, and the models at `endpointUrl`.
 * `differ` is called with a sentence for each limit that is not the real one.
 */
export function scratchConfig(
  config: Config,
  endpointUrl: string,
  plan: Plan,
  differ: (words: string) => void,
): Record<string, unknown> {
  const { models } = config;
  const seconds = (ms: number) => `${Math.max(1, Math.floor(ms / 1_000))}s`;
  const chain = plan.chain ?? [MODEL];
  const price = { input: plan.inputPrice ?? 0, output: 0 };
  const local = plan.isLoopbackAllowed ? ["127.0.0.1"] : [];
  return {
    agent: `${config.agent.slice(0, 58)}-drill`,
    timezone: config.timezone,
    budget: {
      ...caps(config.budget, plan.caps ?? "as_they_are", differ),
      warning_thresholds: config.budget.warningThresholds,
    },
    models: {
      chain,
      on_cap: models.onCap,
      max_output_tokens: models.maxOutputTokens,
      timeout: seconds(models.timeoutMs),
      providers: {
        ollama: { base_url: endpointUrl },
        ...(plan.openaiUrl === undefined ? {} : { openai: { base_url: plan.openaiUrl } }),
      },
      prices: Object.fromEntries(
        chain.filter((model) => model !== "extractive").map((model) => [model, price]),
      ),
    },
    breaker: breaker(config.breaker, seconds, differ),
    egress: {
      requests_per_minute: config.egress.requestsPerMinute,
      ...{ allow: local, allow_private: local },
    },
    dashboard: { enabled: false },
    jobs: plan.jobs ?? [],
  };
}

function caps(
  budget: BudgetConfig,
  which: NonNullable<Plan["caps"]>,
  differ: (words: string) => void,
): Record<string, number> {
  if (which === "zero") return { daily_cap_usd: 0 };
  const { day_micros: statedDaily, hour_micros: statedHourly, ...rest } = budget.caps;
  const daily = dailyCapMicros(budget);
  if (statedDaily === undefined)
    differ(`The day's cap is ${formatUsd(daily)}, since afk.yaml has none in dollars.`);
  if (which === "day") {
    if (Object.values({ ...rest, statedHourly }).some((value) => value !== undefined))
      differ(
        "The caps of hour, month, job and tick are left out, so that the day's cap is the one that refuses.",
      );
    return { daily_cap_usd: usdFromMicros(daily) };
  }
  if (which === "as_they_are") {
    const others = BUDGET_KEYS.filter(({ cap }) => cap !== "day_micros");
    if (daily === 0 || others.some(({ cap }) => budget.caps[cap] === 0))
      differ("A cap of 0 refuses every call, so caps of 0 are left out here (the day's is $1.00).");
    const kept = others.flatMap(({ key, cap, unit }) => {
      const value = budget.caps[cap] ?? 0;
      return value === 0 ? [] : [[key, unit === "usd" ? usdFromMicros(value) : value] as const];
    });
    return { daily_cap_usd: daily === 0 ? 1 : usdFromMicros(daily), ...Object.fromEntries(kept) };
  }
  const hourly = hourlyCapMicros(budget);
  const wider = Math.max(daily, Math.min(4 * hourly, USD_MAX * MICROS_PER_USD));
  if (hourly !== statedHourly)
    differ(
      `The hour's cap is ${formatUsd(hourly)}, since afk.yaml has ${statedHourly === undefined ? "none" : "one too small to fill"}.`,
    );
  if (wider !== daily)
    differ(`The day's cap is ${formatUsd(wider)}, so that the hour's cap is the one that refuses.`);
  if (rest.month_micros !== undefined) differ("The month's cap is left out for the same reason.");
  return { daily_cap_usd: usdFromMicros(wider), hourly_cap_usd: usdFromMicros(hourly) };
}

/** The day's cap in dollars or, where there is none, one that the record states. */
export function dailyCapMicros({ caps }: BudgetConfig): number {
  return caps.day_micros ?? MICROS_PER_USD;
}

/** The hour's cap as it is or, where there is none to drill, one that the record states. */
export function hourlyCapMicros({ caps }: BudgetConfig): number {
  const { hour_micros: stated } = caps;
  return stated === undefined || stated < CAP_MICROS_MIN ? DEFAULT_HOURLY_MICROS : stated;
}

function breaker(
  rules: Config["breaker"],
  seconds: (ms: number) => string,
  differ: (words: string) => void,
): Record<string, unknown> {
  if (rules.spendPerFiveMinutesMicros !== null)
    differ("breaker.usd_per_five_minutes is left out: a drill spends its whole cap at once.");
  if (rules.callsPerMinute < CALLS_PER_MINUTE_MIN)
    differ(`breaker.calls_per_minute is ${CALLS_PER_MINUTE_MIN} and not ${rules.callsPerMinute}.`);
  return {
    failures: rules.failures,
    cooldown: seconds(rules.cooldownMs),
    max_cooldown: seconds(rules.maxCooldownMs),
    calls_per_minute: Math.max(rules.callsPerMinute, CALLS_PER_MINUTE_MIN),
    same_request_per_hour: rules.sameRequestPerHour,
  };
}
