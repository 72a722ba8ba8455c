import * as v from "valibot";
import type { ChannelConfig } from "../alerts/channels/channel.ts";
import { nextCron } from "../lib/cron.ts";
import { assert, messageOf } from "../lib/errors.ts";
import { ownerCapsSchema } from "./caps.ts";
import type { JobConfig, RetryConfig, Schedule } from "./config.ts";
import { deliverSchema, type ReceiverConfig, readReceivers } from "./deliver.ts";
import type { ConfigIssue } from "./errors.ts";
import { duration, integer, list, minutes, section, text } from "./fields.ts";
import type { JobSettingsKind } from "./job-kind.ts";
import { type ParseContext, type Parsed, parse } from "./parse.ts";
import { formatPath, isSection } from "./path.ts";

const WRITE_CRON =
  'write a cron line of five fields (minute, hour, day, month, weekday), for example "0 6 * * *", or leave it out and write every: 4h';

/** Where neither the job, nor the section `value`, nor the kind says what a unit saves. */
export const MINUTES_SAVED_PER_UNIT = 30;

/** The keys that every job has, whatever its kind. */
export const jobSchema = v.strictObject({
  name: text(
    "The job's name; unique, and part of the names of its files.",
    "write a name of small letters, digits and -, at most 64, for example digest",
    /^[a-z0-9][a-z0-9-]*$/,
    64,
  ),
  kind: v.pipe(v.string("write the kind of the job"), v.description("What the job does.")),
  schedule: v.optional(
    text("Cron line of five fields, in the agent's time zone.", WRITE_CRON, /^\s*\S+(?:\s+\S+){4}\s*$/),
  ),
  every: v.optional(
    duration("Time between two runs, instead of a schedule; due at once the first time.", "365d"),
  ),
  timeout: v.optional(duration("A run is aborted after this long.", "7d"), "45m"),
  retry: v.optional(
    v.pipe(
      section("How the job is tried again when it failed.", {
        attempts: v.optional(
          integer("Tries before the job waits for a person.", "how often to try", [1, 100]),
          5,
        ),
        first: v.optional(
          duration(
            "The longest wait after the first failure; it doubles with each, and a random share is waited.",
            "1d",
          ),
          "30s",
        ),
        max: v.optional(duration("The longest wait between two tries.", "7d"), "1h"),
        give_up_after: v.optional(
          duration(
            "How long the job waits while no model can answer or its sources are down; such tries are not counted.",
            "30d",
          ),
          "24h",
        ),
      }),
      v.transform(({ attempts, first: firstMs, max: maxMs, give_up_after: giveUpAfterMs }): RetryConfig => {
        return { attempts, firstMs, maxMs, giveUpAfterMs };
      }),
    ),
    {},
  ),
  caps: ownerCapsSchema("job"),
  deliver: deliverSchema(),
  progress: v.optional(
    duration(
      "Its receivers hear in between how far a long run is, at most so often; never unless stated.",
      "7d",
    ),
  ),
  alerts: v.optional(
    list(
      "The channels that alerts of this job go to, and no others; all of `alerts` unless stated.",
      "write a list of names of channels under alerts, for example [phone], or leave it out for all of them",
      v.string("write the name of a channel"),
      20,
    ),
  ),
  minutes_saved_per_unit: v.optional(
    minutes("Minutes of a person's work that one unit of this job's output saves."),
  ),
});

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
