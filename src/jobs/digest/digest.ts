import { oneLine } from "../../lib/text.ts";
import type { Completion } from "../../providers/types.ts";
import type { JobContext, JobKind, JobResult } from "../job.ts";
import { type DigestDocument, type Entry, type Note, plural, type Summary } from "./document.ts";
import { type Fetched, fetchSources, reviewOutages } from "./fetch-sources.ts";
import { composeHtml } from "./html.ts";
import { composeMarkdown } from "./markdown.ts";
import { itemRequest, leadRequest } from "./prompt.ts";
import { toReport } from "./report.ts";
import { type Group, groupItems, selectNew } from "./select.ts";
import { checkDigest, type DigestSettings, digestSettings } from "./settings.ts";

const SUMMARY_CHARS_MAX = 600;

/** What is new in feeds, repositories and folders, two sentences each, as one Markdown file and one page a period. */
export const digest: JobKind<DigestSettings> = {
  kind: "digest",
  // A unit is an item: somebody would have opened it, read it and decided.
  minutesSavedPerUnit: 2,
  settings: digestSettings,
  check: checkDigest,
  run: runDigest,
};

type Context = JobContext<DigestSettings>;

async function runDigest(context: Context): Promise<JobResult> {
  const { sources, maxItems } = context.settings;
  const { label } = context.period;
  const { fetched, reports } = await fetchSources(context);
  const outages = await reviewOutages(context, reports);
  const groups = groupItems(fetched.map(({ items }) => items));
  const seen = await context.isSeen(groups.flat().flatMap(({ keys }) => keys));
  const selection = selectNew(groups, seen, maxItems);
  const failures = notesOf(fetched, ({ error }) => (error === null ? [] : [error]));
  const count = selection.chosen.length === 0 ? "no new items" : plural(selection.chosen.length, "new item");
  const summary = failures.length === 0 ? count : `${count}; ${plural(failures.length, "source")} failed`;
  context.remember([...selection.keys, ...outages.keys]);
  const entries = await summarise(context, selection.chosen);
  const document: DigestDocument = {
    label,
    timezone: context.timezone,
    lead: entries.length === 0 ? null : await writeLead(context, entries),
    entries,
    sources: sources.length,
    waiting: selection.waiting,
    failures,
    omissions: notesOf(fetched, ({ notes }) => notes),
  };
  const isNews = entries.length > 0 || outages.isNews;
  if (isNews) {
    context.publish(`${context.name}-${label}.md`, composeMarkdown(document));
    context.publish(`${context.name}-${label}.html`, composeHtml(document));
  }
  const report = { ...toReport(document), isNews };
  return { units: entries.length, summary, report, sources: reports };
}

async function summarise(context: Context, groups: Group[]): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (const { item } of groups) {
    context.progress(entries.length, groups.length, item.title);
    const request = itemRequest(item, context.settings.language);
    entries.push({ item, summary: toSummary(await context.complete(`item:${item.key}`, request)) });
  }
  if (groups.length > 0) context.progress(entries.length, groups.length, "lead");
  return entries;
}

async function writeLead(context: Context, entries: Entry[]): Promise<Summary> {
  const summaries = entries.map(({ summary }) => summary.text);
  return toSummary(await context.complete("lead", leadRequest(summaries, context.settings.language)));
}

/** What a model says is as little to be trusted as what it read. */
function toSummary(completion: Completion): Summary {
  return {
    text: oneLine(completion.text, SUMMARY_CHARS_MAX) || "(the model gave no summary)",
    model: oneLine(completion.model, 100),
    degraded: completion.degraded,
    ...(completion.truncated ? { truncated: true } : {}),
  };
}

function notesOf(fetched: Fetched[], texts: (source: Fetched) => string[]): Note[] {
  return fetched.flatMap((source) => texts(source).map((error) => ({ source: source.label, error })));
}
