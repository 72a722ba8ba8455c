import { dayIn } from "../../lib/days.ts";
import { type AfkError, EXIT, soonest } from "../../lib/errors.ts";
import { oneLine } from "../../lib/text.ts";
import { shortHash } from "../items/identity.ts";
import { shortened } from "../items/item.ts";
import { newestOf } from "../items/order.ts";
import { type JobContext, type SourceReport, SourcesDown } from "../job.ts";
import { kindOf, type SourceSettings, sourceId, sourceLabel } from "./registry.ts";
import { type Collected, isSourceFailure } from "./source.ts";

const ERROR_CHARS_MAX = 300;
const LABEL_CHARS_MAX = 80;

type Context = JobContext<{ sources: SourceSettings[] }>;

/** One source as its step recorded it; the items of a failed one are none. */
export interface Fetched extends Collected {
  label: string;
  error: string | null;
  /** What the source keeps for later runs. A step that is not run again keeps it all the same. */
  kept?: Record<string, string>;
}

/**
 * Every source, in order. One that failed is a result too, so that the digest goes on without it.
 * @throws SourcesDown when the hosts of all of them are down, so that there is nothing to go on with.
 */
export async function fetchSources(
  context: Context,
): Promise<{ fetched: Fetched[]; reports: SourceReport[]; newestInputMs: number | null }> {
  const { sources } = context.settings;
  const fetched: Fetched[] = [];
  const reports: SourceReport[] = [];
  const down = new Map<number, AfkError>();
  for (const [index, source] of sources.entries()) {
    const fetching = context.step(`fetch:${index}`, () => fetchSource(context, source));
    const result = await fetching.catch((error: unknown) => {
      if (!isHostDown(error)) throw error;
      // Not recorded yet: should all of them be down, they are asked again.
      down.set(index, error);
      return failed(context, source, error);
    });
    for (const [key, value] of Object.entries(result.kept ?? {})) context.keep(key, value);
    fetched.push(result);
    reports.push({ id: sourceId(source), label: labelOf(context, source), error: result.error });
  }
  if (down.size === sources.length)
    throw new SourcesDown(reports, soonest([...down.values()].map(({ retry }) => retry)));
  for (const index of down.keys()) await context.step(`fetch:${index}`, async () => fetched[index]);
  return { fetched, reports, newestInputMs: newestOf(fetched.flatMap(({ items }) => items)) };
}

/** @throws the error of a host that is down; a halt, an abort or a bug, which stop the job. */
async function fetchSource(context: Context, source: SourceSettings): Promise<Fetched> {
  context.signal.throwIfAborted();
  try {
    const kept: Record<string, string> = {};
    const keep = (key: string, value: string) => void Object.assign(kept, { [key]: value });
    const { items, notes, title } = await kindOf(source).collect(source, { ...context, keep });
    // What the owner calls it comes before what it calls itself, and both before its address.
    const isNamedByItself = source.name === undefined && title !== undefined;
    const nameOf = (label: string) =>
      oneLine(context.redact(isNamedByItself ? title : label), LABEL_CHARS_MAX);
    return {
      // A private feed's address is its secret, and an item names its source.
      items: shortened(items.map((item) => ({ ...item, source: nameOf(item.source) }))),
      notes: notes.map((note) => context.redact(note)),
      label: nameOf(sourceLabel(source)),
      error: null,
      kept,
    };
  } catch (error) {
    context.signal.throwIfAborted();
    if (!isSourceFailure(error) || isHostDown(error)) throw error;
    return failed(context, source, error);
  }
}

function isHostDown(error: unknown): error is AfkError {
  return isSourceFailure(error) && error.exitCode === EXIT.unavailable;
}

function failed(context: Context, source: SourceSettings, { message }: AfkError): Fetched {
  const error = oneLine(context.redact(message), ERROR_CHARS_MAX);
  return { items: [], notes: [], label: labelOf(context, source), error };
}

function labelOf(context: Context, source: SourceSettings): string {
  return oneLine(context.redact(sourceLabel(source)), LABEL_CHARS_MAX);
}

/** `isNews` when a source fails that no digest has named today, and the keys to remember of it: once a day is enough. */
export async function reviewOutages(
  context: Pick<JobContext, "isSeen" | "period" | "timezone">,
  sources: SourceReport[],
): Promise<{ isNews: boolean; keys: string[] }> {
  const today = dayIn(context.period.slotMs, context.timezone);
  const failing = sources.filter(({ error }) => error !== null).map(({ id }) => `failed:${id}:${today}`);
  const seen = await context.isSeen(failing);
  const keys = failing.filter((key) => !seen.has(key));
  return { isNews: keys.length > 0, keys };
}

/**
 * `isNews` when something of a source was left out for the first time, and the keys to remember of it. A note that differs from
 * an earlier one in its counts alone says the same.
 */
export async function reviewOmissions(
  context: Pick<JobContext, "isSeen">,
  sources: { id: string; notes: string[] }[],
): Promise<{ isNews: boolean; keys: string[] }> {
  const keyOf = (id: string, note: string) => `omitted:${id}:${shortHash(note.replace(COUNTS, "#"))}`;
  const all = sources.flatMap(({ id, notes }) => notes.map((note) => keyOf(id, note)));
  const seen = await context.isSeen(all);
  const keys = [...new Set(all)].filter((key) => !seen.has(key));
  return { isNews: keys.length > 0, keys };
}

/** Numbers that stand by themselves; those in the name of a file do not. */
const COUNTS = /(?<!\S)\d+(?=\s)/g;
