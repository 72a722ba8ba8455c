import { oneLine } from "../../lib/text.ts";
import type { Completion } from "../../providers/types.ts";
import type { JobContext, JobKind, JobResult } from "../job.ts";
import type { DigestDocument, Entry, Note, Summary } from "./document.ts";
import { type Fetched, fetchSources, reviewOutages } from "./fetch-sources.ts";
import { composeHtml } from "./html.ts";
import type { Item } from "./item.ts";
import { composeMarkdown } from "./markdown.ts";
import { itemRequest, leadRequest } from "./prompt.ts";
import { type Group, groupItems, type Selection, selectNew } from "./select.ts";
import { checkDigest, type DigestSettings, digestSettings } from "./settings.ts";

const SUMMARY_CHARS_MAX = 600;
/** Keys in one question to the memory of the job; a database takes so many parameters and no more. */
const KEYS_PER_QUESTION = 500;

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
  const { sources } = context.settings;
  const { fetched, reports } = await fetchSources(context);
  const outages = await reviewOutages(context, reports);
  const selection = await selectUnseen(
    context,
    fetched.map((source) => source.items),
  );
  const failures = notesOf(fetched, (source) => (source.error === null ? [] : [source.error]));
  context.remember([...selection.keys, ...outages.keys]);
  if (selection.chosen.length === 0 && !outages.isNews) {
    return { units: 0, summary: `no new items${failedSuffix(failures)}`, sources: reports };
  }
  const entries = await summarise(context, selection.chosen);
  const document: DigestDocument = {
    label: context.period.label,
    timezone: context.timezone,
    lead: entries.length === 0 ? null : await writeLead(context, entries),
    entries,
    sources: sources.length,
    waiting: selection.waiting,
    failures,
    omissions: notesOf(fetched, (source) => source.notes),
  };
  context.publish(`${context.name}-${context.period.label}.md`, composeMarkdown(document));
  context.publish(`${context.name}-${context.period.label}.html`, composeHtml(document));
  const count =
    entries.length === 0 ? "no new items" : `${entries.length} new item${entries.length === 1 ? "" : "s"}`;
  return { units: entries.length, summary: `${count}${failedSuffix(failures)}`, sources: reports };
}

async function selectUnseen(context: Context, items: Item[][]): Promise<Selection> {
  const groups = groupItems(items);
  const keys = groups.flat().flatMap((group) => group.keys);
  const seen = new Set<string>();
  for (let start = 0; start < keys.length; start += KEYS_PER_QUESTION) {
    for (const key of await context.isSeen(keys.slice(start, start + KEYS_PER_QUESTION))) seen.add(key);
  }
  return selectNew(groups, seen, context.settings.maxItems);
}

async function summarise(context: Context, groups: Group[]): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (const { item } of groups) {
    context.progress(entries.length, groups.length, item.title);
    const request = itemRequest(item, context.settings.language);
    entries.push({ item, summary: toSummary(await context.complete(`item:${item.key}`, request)) });
  }
  context.progress(entries.length, groups.length, "lead");
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

function failedSuffix(failures: Note[]): string {
  if (failures.length === 0) return "";
  return `; ${failures.length} source${failures.length === 1 ? "" : "s"} failed`;
}
