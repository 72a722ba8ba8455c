import type { ChannelConfig } from "../alerts/channels/channel.ts";
import type { DatabaseTarget } from "../lib/database-target.ts";
import type { StatedBudget } from "./caps.ts";
import type { ReceiverConfig } from "./deliver.ts";
import type { Expectation } from "./expect.ts";
import type { Paths } from "./locations.ts";
import type { OnlyIf } from "./only-if.ts";
import type { ParsedFile } from "./schema.ts";

/**
 * What `afk.yaml` and the host settings say, parsed: units in the names, durations in milliseconds,
 * money in micro-dollars, paths absolute, `${NAME}` replaced. Made by `loadConfig`, trusted from there on.
 */
export interface Config
  extends Omit<ParsedFile, "kinds" | "budget" | "alerts" | "value" | "jobs" | "database"> {
  /** Where a fleet keeps what it knows; null where the agent lives in SQLite. */
  database: DatabaseTarget | null;
  budget: BudgetConfig;
  alerts: ChannelConfig[];
  /** SHA-256 (hex) of each file under `kinds:`, so that other code of theirs is another configuration. */
  kindHashes: string[];
  jobs: JobConfig[];
  /** What output is worth; the minutes are for jobs that afk.yaml does not name any more, since what it names says so itself. */
  value: ParsedFile["value"] & { minutesSavedPerUnit: number };
  /** Every secret that was read from the environment or a file; the log redacts them. */
  secrets: string[];
  /** The files that variables of the form `NAME_FILE` named, absolute, where afk took a value from one. */
  secretFiles: string[];
  /** The files under `kinds:`, absolute. */
  kindFiles: string[];
  paths: Paths;
  /** Seconds between the ticks of `afk run`. */
  tickSeconds: number;
}

/** Caps, and the fractions of them in (0, 1], ascending, at which a warning is sent. */
export type BudgetConfig = StatedBudget & ParsedFile["budget"];
/** Which models are asked, and how; prices in USD per million tokens, by model reference. */
export type ModelsConfig = ParsedFile["models"];
/** What may be fetched, from whom, and how often; contact goes into the User-Agent. */
export type EgressConfig = ParsedFile["egress"];
/** Whom to ping off the host. */
export type HeartbeatConfig = ParsedFile["heartbeat"];
/** Where the page is served; with token null everybody who reaches it may read it. */
export type DashboardConfig = ParsedFile["dashboard"];

/** Where the gateway listens, and who may ask it for what. */
export type GatewayConfig = ParsedFile["gateway"];

/** When a scheduled job is due. */
export type Schedule =
  | { type: "cron"; expression: string }
  | { type: "every"; intervalMs: number }
  | { type: "manual" };

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

/** A job of afk.yaml, parsed. */
export interface JobConfig {
  name: string;
  kind: string;
  schedule: Schedule;
  /** File with variables for its programs; starts from the folder of afk.yaml. */
  envFile?: string;
  /** Names of the jobs on which it follows. */
  after?: string[];
  /** A run of the job is aborted after this long. */
  timeoutMs: number;
  /** It is ended when it did nothing for so long; left out for never. */
  idleMs?: number;
  retry: RetryConfig;
  /** What one unit of its output saves a person. */
  minutesSavedPerUnit: number;
  /** What is billed for one; nothing where it is left out. */
  revenueMicrosPerUnit?: number;
  /** Who gets its results. */
  deliver: ReceiverConfig[];
  /** How often its receivers hear how far a long run is; null for never. */
  progressMs: number | null;
  /** The names of the channels that alerts of it go to alone; left out for all. */
  alerts?: string[];
  /** What a run must have given, or it has failed. */
  expect?: Expectation;
  /** What is looked at before it runs. */
  onlyIf?: OnlyIf;
  /** afk.yaml puts it off. */
  isPaused?: boolean;
  /** Its own models, in the order they are tried; left out for those of `models.chain`. */
  models?: string[];
  /** What happens when a cap refuses it; left out for what `models.on_cap` says. */
  onCap?: "halt" | "fallback" | "ask";
  /** What the kind's own schema made of the rest of the entry. */
  settings: unknown;
}
