import { dirname, join } from "node:path";
import { readChannels } from "../alerts/channels/schema.ts";
import { capMicrosFromUsd } from "../lib/money.ts";
import { statedBudget } from "./caps.ts";
import type { Config, DashboardConfig, JobConfig, ModelsConfig, Paths } from "./config.ts";
import type { HostSettings } from "./host-settings.ts";
import { MINUTES_SAVED_PER_UNIT } from "./jobs.ts";
import type { Locations } from "./locations.ts";
import { readProviders } from "./models-schema.ts";
import type { ParsedFile } from "./schema.ts";
import { collectSecrets } from "./secrets.ts";
import type { Replacement } from "./substitute.ts";

/** Names, units and host settings: from what the file says to what afk works with. */
export function toConfig(
  file: ParsedFile,
  parts: {
    jobs: JobConfig[];
    kindHashes: string[];
    host: HostSettings;
    configFile: string;
    state: string;
    stopFile: string;
    replacements: Replacement[];
    /** The file as it was parsed, jobs and all. */
    raw: unknown;
  },
): Config {
  const models = toModels(file.models);
  const alerts = readChannels(file.alerts, parts.host.channel);
  const { style, ping_url: pingUrl = null, grace: graceMs } = file.heartbeat;
  const heartbeat = { pingUrl, style, graceMs };
  const dashboard = toDashboard(file.dashboard);
  return {
    agent: file.agent,
    timezone: file.timezone,
    budget: {
      ...statedBudget(parts.raw),
      warningThresholds: [...file.budget.warning_thresholds].sort((a, b) => a - b),
    },
    models,
    breaker: {
      failures: file.breaker.failures,
      cooldownMs: file.breaker.cooldown,
      maxCooldownMs: file.breaker.max_cooldown,
      callsPerMinute: file.breaker.calls_per_minute,
      sameRequestPerHour: file.breaker.same_request_per_hour,
      spendPerFiveMinutesMicros: capOrNull(file.breaker.usd_per_five_minutes),
    },
    egress: {
      allow: file.egress.allow,
      allowPrivate: file.egress.allow_private,
      requestsPerMinute: file.egress.requests_per_minute,
      contact: file.egress.contact ?? null,
    },
    alerts,
    heartbeat,
    dashboard,
    kindHashes: parts.kindHashes,
    jobs: parts.jobs,
    value: {
      minutesSavedPerUnit: file.value.minutes_saved_per_unit ?? MINUTES_SAVED_PER_UNIT,
      hourlyRateUsd: file.value.hourly_rate_usd,
      minRatio: file.value.min_ratio ?? null,
    },
    retention: { logDays: file.retention.log_days, logMaxBytes: file.retention.log_max_mb * 1024 * 1024 },
    secrets: collectSecrets({ file: parts.raw, alerts, heartbeat, replacements: parts.replacements }),
    paths: toPaths(parts),
    tickSeconds: parts.host.tickSeconds,
  };
}

function capOrNull(usd: number | undefined): number | null {
  return usd === undefined ? null : capMicrosFromUsd(usd);
}

function toModels(models: ParsedFile["models"]): ModelsConfig {
  const prices = Object.entries(models.prices).map(([reference, { cache_read, cache_write, ...price }]) => [
    reference,
    {
      ...price,
      ...(cache_read === undefined ? {} : { cacheRead: cache_read }),
      ...(cache_write === undefined ? {} : { cacheWrite: cache_write }),
    },
  ]);
  return {
    chain: models.chain,
    onCap: models.on_cap,
    maxOutputTokens: models.max_output_tokens,
    timeoutMs: models.timeout,
    providers: readProviders(models.providers),
    prices: Object.fromEntries(prices),
  };
}

function toDashboard({ enabled, port, bind, hosts, token }: ParsedFile["dashboard"]): DashboardConfig {
  return { isEnabled: enabled, port, bind, hosts, token: token ?? null };
}

function toPaths({ configFile, state, stopFile }: Locations): Paths {
  return {
    configFile,
    base: dirname(configFile),
    state,
    database: join(state, "afk.db"),
    lock: join(state, "lock.db"),
    highWater: join(state, "high-water.json"),
    out: join(state, "out"),
    logs: join(state, "logs"),
    runs: join(state, "runs"),
    stopFile,
  };
}
