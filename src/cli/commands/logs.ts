import { ALERT_EVENTS } from "../../alerts/events.ts";
import type { Config } from "../../config/config.ts";
import { allKinds } from "../../jobs/kinds.ts";
import { systemClock } from "../../lib/clock.ts";
import { AfkError } from "../../lib/errors.ts";
import type { Level } from "../../lib/log.ts";
import { eventsInWords, humanLine } from "../../logs/people.ts";
import {
  followLogs,
  LEVELS,
  type LogEntry,
  lastTickId,
  type ReadOptions,
  readLogs,
} from "../../logs/read.ts";
import { traceOf } from "../../logs/trace.ts";
import { inspectState } from "../../ops/inspect-state.ts";
import { readConfig } from "../../ops/read-config.ts";
import { meantId } from "../../ops/short-ids.ts";
import { findJob } from "../../ops/show-job.ts";
import { refuseUnreadable } from "../../ops/unreadable.ts";
import { defineCommand, UsageError } from "../command.ts";
import { untilInterrupted } from "../interrupt.ts";
import { isColoured, oneLine, printLines, terminalColumns } from "../output.ts";
import { suggestion } from "../strict.ts";
import { hang } from "../text.ts";
import { traceView } from "../views/trace.ts";
import { readSpan } from "../when.ts";

const LIMIT = { follow: 10, read: 10_000 };
/** So many lines are written at once; between batches a signal can end the command. */
const BATCH = 500;
const WRAPPED_LINES_MAX = 6;

export default defineCommand({
  json: true,
  args: {
    tick: {
      type: "string",
      valueHint: "ID",
      description: "Only this tick, as a tree; last is the latest one",
    },
    job: {
      type: "string",
      valueHint: "KEY",
      description: "Only this run: its key or id, or a job's name for its newest",
    },
    event: { type: "string", valueHint: "E,F", description: "Only these events (docs/logs.md lists them)" },
    level: { type: "enum", options: LEVELS, valueHint: "L", description: "This level and worse ones" },
    since: {
      type: "string",
      valueHint: "T",
      description: "From then on: a span back (2h), a day, a time, or an instant",
    },
    until: { type: "string", valueHint: "T", description: "Before then; of a day, to its end" },
    limit: {
      type: "number",
      alias: "n",
      integer: true,
      min: 1,
      max: 1_000_000_000,
      valueHint: "N",
      description: `At most so many, the newest (${LIMIT.read}; with -f ${LIMIT.follow})`,
    },
    follow: {
      type: "boolean",
      alias: "f",
      description: "Goes on with what is written from now on, until Ctrl-C",
    },
  },
  async run({ args }) {
    const config = readConfig(args, () => allKinds(args));
    // Whatever is asked for, the folder is read; what this user may not see is not said to be missing.
    const { timezone } = config;
    const dir = config.paths.logs;
    refuseUnreadable(dir);
    const { follow } = args;
    const { job, tick: named } = await meantIn(config, args);
    const tick = named === "last" ? (lastTickId(dir) ?? NO_TICK) : named;
    const { sinceMs, untilMs } = readSpan(args, { nowMs: systemClock.nowMs(), timezone });
    const level = args.level as Level | undefined;
    const events = args.event?.split(",");
    const options = { dir, tick, job, events, level, sinceMs, untilMs };
    warnOfUnknown(events ?? []);
    if (follow && untilMs !== undefined) throw new UsageError("--until and --follow exclude each other.");
    const isTree = tick !== undefined && !follow && !args.json;
    if (isTree && [job, args.event, level, sinceMs, untilMs, args.limit].every((part) => part === undefined))
      return printTree(options, tick, timezone);
    const colour = isColoured();
    const columns = terminalColumns();
    const text = args.json
      ? ({ raw }: LogEntry) => raw
      : ({ line }: LogEntry) => fitted(humanLine(line, { colour, timezone }), columns);
    const limit = args.limit ?? (follow ? LIMIT.follow : LIMIT.read);
    await print({ ...options, limit }, follow, text);
  },
});

/** The whole key and id of what `--job` and `--tick` name. A state that cannot be read makes no log unreadable. */
async function meantIn(config: Config, { job, tick }: { job: string | undefined; tick: string | undefined }) {
  if (job === undefined && tick === undefined) return { job, tick };
  try {
    return await inspectState(config, async ({ db }) => ({
      job: job === undefined ? job : ((await findJob(db, job))?.key ?? job),
      tick: tick === undefined ? tick : await meantId(db, "ticks", tick),
    }));
  } catch (error) {
    if (!(error instanceof AfkError) || error.code === "ambiguous") throw error;
    return { job, tick };
  }
}

/** An older log may have events that are no more, so a name that nobody knows is worth a word and no refusal. */
function warnOfUnknown(events: readonly string[]): void {
  const known = [...new Set([...Object.keys(ALERT_EVENTS), ...eventsInWords()])];
  for (const event of events.filter((name) => !known.includes(name)))
    printLines(
      [`afk logs: no event is called "${oneLine(event)}".${suggestion(event, known)}`],
      process.stderr,
    );
}

/** Goes on below itself on a terminal, where the text begins; a pipe gets whole lines. */
function fitted(line: string, columns: number | null): string {
  return columns === null ? line : hang("", line, columns, WRAPPED_LINES_MAX, "    ").join("\n");
}

/** No tick has such an id, so that a filter by it finds nothing. */
const NO_TICK = "none yet";

function printTree(options: ReadOptions, tick: string, timezone: string): void {
  const trace = traceOf(tick, readLogs(options));
  const nothing =
    tick === NO_TICK ? "the log has no tick yet: afk tick" : `the log has nothing of tick ${tick}`;
  if (trace === null) printLines([nothing], process.stderr);
  else printLines(traceView(trace, { timezone, columns: terminalColumns() }));
}

async function print(
  options: ReadOptions,
  isFollowing: boolean,
  text: (entry: LogEntry) => string,
): Promise<void> {
  using interrupt = untilInterrupted();
  const { signal } = interrupt;
  if (isFollowing) {
    for await (const entry of followLogs({ ...options, clock: systemClock, signal }))
      printLines([text(entry)]);
    return;
  }
  let batch: string[] = [];
  for (const entry of readLogs(options)) {
    batch.push(text(entry));
    if (batch.length < BATCH) continue;
    printLines(batch);
    batch = [];
    await systemClock.sleep(0);
    if (signal.aborted) return;
  }
  printLines(batch);
}
