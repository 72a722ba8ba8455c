import { AfkError, EXIT, soonest } from "../../lib/errors.ts";
import { type JobContext, type SourceReport, SourcesDown } from "../job.ts";
import { type Collected, isSourceFailure, sourceId, sourceLabel } from "../sources/source.ts";
import type { DigestSettings, SourceSettings } from "./settings.ts";
import { oneLine } from "./text.ts";

const ERROR_CHARS_MAX = 300;

type Context = JobContext<DigestSettings>;

/** One source as its step recorded it; the items of a failed one are none. */
export interface Fetched extends Collected {
  label: string;
  error: string | null;
}

/**
 * Every source, in order. One that failed is a result too, so that the digest goes on without it.
 * @throws SourcesDown when the hosts of all of them are down, so that there is nothing to go on with.
 */
export async function fetchSources(
  context: Context,
): Promise<{ fetched: Fetched[]; reports: SourceReport[] }> {
  const { sources } = context.settings;
  const fetched: Fetched[] = [];
  const down = new Map<number, HostDown>();
  for (const [index, source] of sources.entries()) {
    try {
      fetched[index] = await context.step(`fetch:${index}`, () => fetchSource(context, source));
    } catch (error) {
      if (!(error instanceof HostDown)) throw error;
      // Not recorded yet: should all of them be down, they are asked again.
      down.set(index, error);
      fetched[index] = error.result;
    }
  }
  const reports = sources.map((source, index) => reportOf(source, fetched[index]));
  if (down.size === sources.length)
    throw new SourcesDown(reports, soonest([...down.values()].map(({ retry }) => retry)));
  for (const [index, { result }] of down) await context.step(`fetch:${index}`, async () => result);
  return { fetched, reports };
}

/** @throws HostDown; a halt, an abort or a bug, which stop the job. */
async function fetchSource(context: Context, source: SourceSettings): Promise<Fetched> {
  const label = oneLine(context.redact(sourceLabel(source)), 80);
  context.signal.throwIfAborted();
  try {
    const { items, notes } = await collect(context, source);
    return {
      // A private feed's address is its secret, and an item names its source.
      items: items.map((item) => ({ ...item, source: context.redact(item.source) })),
      notes: notes.map((note) => context.redact(note)),
      label,
      error: null,
    };
  } catch (error) {
    context.signal.throwIfAborted();
    if (!isSourceFailure(error)) throw error;
    const reason = oneLine(context.redact(error.message), ERROR_CHARS_MAX);
    const result = { items: [], notes: [], label, error: reason };
    if (error.exitCode === EXIT.unavailable) throw new HostDown(result, error);
    return result;
  }
}

class HostDown extends AfkError {
  readonly result: Fetched;

  constructor(result: Fetched, cause: AfkError) {
    super("host_down", cause.message, { retry: cause.retry, exitCode: cause.exitCode, cause });
    this.result = result;
  }
}

/** Loaded when there is a source to read: parsers of feeds and mails are a third of the program, and most commands read none. */
async function collect(context: Context, source: SourceSettings): Promise<Collected> {
  if ("github" in source) return await (await import("../sources/github.ts")).collectGithub(source, context);
  if ("folder" in source) return await (await import("../sources/folder.ts")).collectFolder(source, context);
  return await (await import("../sources/feed.ts")).collectFeed(source, context);
}

function reportOf(source: SourceSettings, fetched: Fetched | undefined): SourceReport {
  const { label = "", error = null } = fetched ?? {};
  return { id: sourceId(source), label, error };
}
