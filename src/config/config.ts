import type { ChannelConfig } from "../alerts/channels/channel.ts";
import type { Caps, OwnerName } from "../lib/windows.ts";
import type { ProviderConfig, StatedPrice } from "../providers/types.ts";

/**
 * What `afk.yaml` and the host settings say, parsed: units in the names, durations in milliseconds,
 * money in micro-dollars, paths absolute, `${NAME}` replaced. Made by `loadConfig`, trusted from there on.
 */
export interface Config {
  agent: string;
  timezone: string;
  budget: BudgetConfig;
  models: ModelsConfig;
  breaker: BreakerConfig;
  egress: EgressConfig;
  alerts: ChannelConfig[];
  heartbeat: HeartbeatConfig;
  dashboard: DashboardConfig;
  /** SHA-256 (hex) of each file under `kinds:`, so that other code of theirs is another configuration. */
  kindHashes: string[];
  jobs: JobConfig[];
  value: ValueConfig;
  retention: { logDays: number; logMaxBytes: number };
  /** Every secret that was read from the environment or a file; the log redacts them. */
  secrets: string[];
  paths: Paths;
  /** Seconds between the ticks of `afk run`. */
  tickSeconds: number;
}

/** What output is worth. */
export interface ValueConfig {
  /** For jobs that afk.yaml does not name any more; what it names says so itself. */
  minutesSavedPerUnit: number;
  hourlyRateUsd: number;
  /** Value out for each dollar in below which a finished week alerts; null is never. */
  minRatio: number | null;
}

/** Absolute paths. `stopFile` is `KILL_FLAG`, else `STOP` in the state directory. */
export interface Paths {
  configFile: string;
  /** The folder that holds afk.yaml; relative paths in it start here. */
  base: string;
  state: string;
  database: string;
  lock: string;
  out: string;
  logs: string;
  runs: string;
  stopFile: string;
  /** Holds the highest generation the database has reached (ops/high-water.ts). */
  highWater: string;
}

/** What may be used, by whom. There is no agent without a cap of a day or shorter. */
export interface BudgetConfig {
  /** Of the agent as a whole; those of ticks and runs hold for each of them. */
  caps: Caps;
  /** Of each job and each client by its name; of those that have any. */
  owners: Record<OwnerName, Record<string, Caps>>;
  /** Fractions of a cap in (0, 1], ascending. */
  warningThresholds: number[];
}

export interface ModelsConfig {
  /** Model references, `provider/model` or `extractive`, in the order they are tried. */
  chain: string[];
  onCap: "halt" | "fallback";
  maxOutputTokens: number;
  timeoutMs: number;
  /** Every known provider that has an address, and what the owner named. */
  providers: Record<string, ProviderConfig>;
  /** USD per million tokens, by model reference; wins over the snapshot. */
  prices: Record<string, StatedPrice>;
}

export interface BreakerConfig {
  failures: number;
  cooldownMs: number;
  maxCooldownMs: number;
  callsPerMinute: number;
  sameRequestPerHour: number;
  /** Null is no limit. */
  spendPerFiveMinutesMicros: number | null;
}

export interface EgressConfig {
  /** Host names, or `*.` and a domain for all its subdomains. Nothing else is fetched. */
  allow: string[];
  /** Hosts of `allow` that may resolve to a private or loopback address. */
  allowPrivate: string[];
  requestsPerMinute: number;
  contact: string | null;
}

export interface HeartbeatConfig {
  pingUrl: string | null;
  style: "healthchecks" | "uptime-kuma";
  graceMs: number;
}

/** When a scheduled job is due. */
export type Schedule =
  | { type: "cron"; expression: string }
  | { type: "every"; intervalMs: number }
  | { type: "manual" };

export interface DashboardConfig {
  /** Whether `afk run` serves the page too. */
  isEnabled: boolean;
  /** 0 is any free port. */
  port: number;
  /** An IP address; one that is not loopback comes with a token. */
  bind: string;
  /** Host names, besides localhost, that a browser may call it by. */
  hosts: string[];
  /** Null: everybody who reaches it may read it. */
  token: string | null;
}

/** How a job that failed is tried again (docs/configuration.md). */
export interface RetryConfig {
  /** Failures of its own until it waits for a person. */
  attempts: number;
  /** The first wait and the longest; each is twice the one before it, and a random share of it is waited. */
  firstMs: number;
  maxMs: number;
  /** How long it waits for a model or a host that is down, which is no failure of its own. */
  giveUpAfterMs: number;
}

export interface JobConfig {
  name: string;
  kind: string;
  schedule: Schedule;
  /** A run of the job is aborted after this long. */
  timeoutMs: number;
  retry: RetryConfig;
  /** What one unit of its output saves a person. */
  minutesSavedPerUnit: number;
  /** What the kind's own schema made of the rest of the entry. */
  settings: unknown;
}
