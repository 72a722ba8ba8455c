import * as v from "valibot";
import type { ChannelConfig } from "../alerts/channels/channel.ts";
import { nextCron } from "../lib/cron.ts";
import { assert, messageOf } from "../lib/errors.ts";
import { MICROS_PER_USD } from "../lib/money.ts";
import type { JobConfig, RetryConfig, Schedule } from "./config.ts";
import { type ReceiverConfig, readReceivers } from "./deliver.ts";
import type { ConfigIssue } from "./errors.ts";
import type { JobSettingsKind } from "./job-kind.ts";
import { jobSchema } from "./job-schema.ts";
import { fromHome } from "./locations.ts";
import { type ParseContext, type Parsed, parse } from "./parse.ts";
import { formatPath, isSection } from "./path.ts";

/** Where neither the job, nor the section `value`, nor the kind says what a unit saves. */
export const MINUTES_SAVED_PER_UNIT = 30;

interface JobsContext {
  kinds: readonly JobSettingsKind[];
  timezone: string;
  written: ParseContext["written"];
  /** What the section `value` says of every unit; undefined where it says nothing. */
  minutesSavedPerUnit?: number | undefined;
  /** The channels that `deliver` may name; null where the file is refused anyhow, and they are not known. */
  channels: readonly ChannelConfig[] | null;
  /** A path of the file, absolute. */
  atBase: (path: string) => string;
}

/** Parses the `jobs:` list: each entry's common keys by `jobSchema`, its other keys by its kind. */
export function parseJobs(entries: readonly unknown[], context: JobsContext): Parsed<JobConfig[]> {
  const jobs: JobConfig[] = [];
  const issues: ConfigIssue[] = [];
  for (const [index, entry] of entries.entries()) {
    // What is no section is reported with the rest of the file.
    if (!isSection(entry)) continue;
    const parsed = parseJob(entry, index, context);
    if (parsed.output === null) issues.push(...parsed.issues);
    else jobs.push(parsed.output);
  }
  issues.push(...repeatedNames(entries));
  return issues.length > 0 ? { output: null, issues } : { output: jobs, issues: [] };
}

function parseJob(entry: Record<string, unknown>, index: number, context: JobsContext): Parsed<JobConfig> {
  const prefix = ["jobs", index];
  const [common, rest] = split(entry);
  const parseContext = { prefix, written: context.written };
  const kinds = context.kinds.map((each) => each.kind);
  const kindName = v.picklist(kinds, "write the kind of the job");
  const outer = parse(v.strictObject({ ...jobSchema.entries, kind: kindName }), common, parseContext);
  const issues: ConfigIssue[] = [
    ...outer.issues,
    ...movedKeys(entry, prefix),
    ...scheduleIssues(entry, prefix, context.timezone),
    ...askIssues(entry, prefix),
  ];
  const kind = context.kinds.find((each) => each.kind === entry.kind);
  if (kind === undefined) return { output: null, issues };
  const otherKeys = Object.keys(jobSchema.entries);
  const inner = parse(kind.settings, rest, { ...parseContext, otherKeys });
  issues.push(...inner.issues);
  const found = readReceivers(outer.output?.deliver ?? [], context);
  issues.push(
    ...found.issues.map(({ path, message }) => {
      return { path: formatPath([...prefix, "deliver", ...path]), message };
    }),
  );
  if (issues.length > 0 || outer.output === null) return { output: null, issues };
  const minutesSaved = context.minutesSavedPerUnit ?? kind.minutesSavedPerUnit ?? MINUTES_SAVED_PER_UNIT;
  return { output: toJob(outer.output, inner.output, { minutesSaved, ...found }), issues: [] };
}

function split(entry: Record<string, unknown>): [Record<string, unknown>, Record<string, unknown>] {
  const isCommon = ([key]: [string, unknown]) => Object.hasOwn(jobSchema.entries, key);
  const pairs = Object.entries(entry).filter(([key]) => key !== OLD_ATTEMPTS);
  return [
    Object.fromEntries(pairs.filter(isCommon)),
    Object.fromEntries(pairs.filter((pair) => !isCommon(pair))),
  ];
}

/** The name that `retry.attempts` had. */
const OLD_ATTEMPTS = "max_attempts";

function movedKeys(entry: Record<string, unknown>, prefix: (string | number)[]): ConfigIssue[] {
  if (!Object.hasOwn(entry, OLD_ATTEMPTS)) return [];
  const value = entry[OLD_ATTEMPTS];
  const attempts = typeof value === "number" ? value : 5;
  const message = `this key has moved; write retry: { attempts: ${attempts} } instead`;
  return [{ path: formatPath([...prefix, OLD_ATTEMPTS]), message }];
}

function scheduleIssues(
  entry: Record<string, unknown>,
  prefix: (string | number)[],
  timezone: string,
): ConfigIssue[] {
  const issues: ConfigIssue[] = [];
  if (entry.schedule !== undefined && entry.every !== undefined) {
    issues.push({ path: formatPath(prefix), message: "found both schedule and every; write one of them" });
  }
  if (typeof entry.schedule === "string" && v.is(jobSchema.entries.schedule, entry.schedule)) {
    const problem = cronProblem(entry.schedule, timezone);
    if (problem !== null) issues.push({ path: formatPath([...prefix, "schedule"]), message: problem });
  }
  return issues;
}

/** Only a cap of the job itself is asked about. */
function askIssues(entry: Record<string, unknown>, prefix: (string | number)[]): ConfigIssue[] {
  if (entry.on_cap !== "ask" || (isSection(entry.caps) && Object.keys(entry.caps).length > 0)) return [];
  const message = "ask is about caps of this job; write one beside it, for example caps: { daily_usd: 0.30 }";
  return [{ path: formatPath([...prefix, "on_cap"]), message }];
}

function repeatedNames(entries: readonly unknown[]): ConfigIssue[] {
  const names = entries.map((entry) => (isSection(entry) ? entry.name : undefined));
  return names.flatMap((name, index) => {
    const first = names.indexOf(name);
    if (typeof name !== "string" || first === index) return [];
    const message = `found ${JSON.stringify(name)}, which is the name of jobs[${first}] already; write another`;
    return [{ path: formatPath(["jobs", index, "name"]), message }];
  });
}

function toJob(
  common: v.InferOutput<typeof jobSchema>,
  settings: unknown,
  { minutesSaved, receivers }: { minutesSaved: number; receivers: ReceiverConfig[] },
): JobConfig {
  return {
    name: common.name,
    kind: common.kind,
    schedule: toSchedule(common.schedule, common.every),
    timeoutMs: common.timeout,
    retry: common.retry,
    minutesSavedPerUnit: common.minutes_saved_per_unit ?? minutesSaved,
    deliver: receivers,
    progressMs: common.progress ?? null,
    ...(common.alerts !== undefined && { alerts: common.alerts }),
    ...(common.expect !== undefined && { expect: common.expect }),
    ...(common.idle_timeout !== undefined && { idleMs: common.idle_timeout }),
    ...(common.only_if !== undefined && { onlyIf: common.only_if }),
    ...(common.env_file !== undefined && { envFile: fromHome(common.env_file) }),
    ...(common.after !== undefined && { after: common.after }),
    ...(common.paused && { isPaused: true }),
    ...(common.revenue_usd_per_unit !== undefined && {
      revenueMicrosPerUnit: Math.round(common.revenue_usd_per_unit * MICROS_PER_USD),
    }),
    ...(common.models !== undefined && { models: common.models }),
    ...(common.on_cap !== undefined && { onCap: common.on_cap }),
    settings,
  };
}

/** What a job has that was taken out of afk.yaml since it was added. */
export const DEFAULT_RETRY: RetryConfig = v.parse(jobSchema.entries.retry, undefined);

function toSchedule(expression: string | undefined, intervalMs: number | undefined): Schedule {
  assert(expression === undefined || intervalMs === undefined, "a job with two schedules");
  if (expression !== undefined) return { type: "cron", expression: expression.trim() };
  if (intervalMs !== undefined) return { type: "every", intervalMs };
  return { type: "manual" };
}

/** A start for the search that does not depend on today, so that the same line is always judged alike. */
const SEARCH_FROM_MS = Date.UTC(2000, 0, 1);

/** What is wrong with a cron line of five fields, or null. */
function cronProblem(expression: string, timezone: string): string | null {
  try {
    return nextCron(expression, timezone, SEARCH_FROM_MS) === null
      ? `found ${JSON.stringify(expression)}, which never comes; write a date that exists`
      : null;
  } catch (error) {
    const reason = messageOf(error).replace(/^CronPattern: /, "");
    return `found ${JSON.stringify(expression)} (${reason}); write five fields: minute, hour, day, month, weekday, for example "0 6 * * *"`;
  }
}
