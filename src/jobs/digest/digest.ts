import { DAY_MS } from "../../lib/durations.ts";
import { plural } from "../../lib/text.ts";
import type { Item } from "../items/item.ts";
import { type Group, selectNew } from "../items/select.ts";
import type { JobContext, JobKind, JobResult } from "../job.ts";
import { type NewlyPrinted, printedId } from "../printed-items.ts";
import type { Fetched } from "../sources/fetch-sources.ts";
import { lookAtSources } from "../sources/look.ts";
import { readSources } from "../sources/read-sources.ts";
import { readArticles } from "./articles/read-articles.ts";
import { withoutBoilerplate } from "./articles/teaser.ts";
import { type DigestDocument, entriesOf, type Note } from "./document/document.ts";
import { publishDigest } from "./document/report.ts";
import { groupEntries, type Ranked } from "./grouping.ts";
import { rank, type Standing } from "./rank.ts";
import { checkDigest, type DigestSettings, digestSettings } from "./settings.ts";
import { summariseItem, writeLead } from "./summaries.ts";

/** As long as printed items are kept. */
const RATED_DAYS = 90;
/** Titles of waiting items, per source. */
const WAITING_NAMED = 5;

/** What is new in feeds, repositories and folders, two sentences each, as one Markdown file and one page a period. */
export const digest: JobKind<DigestSettings> = {
  kind: "digest",
  // A unit is an item: somebody would have opened it, read it and decided.
  minutesSavedPerUnit: 2,
  settings: digestSettings,
  check: checkDigest,
  run: runDigest,
  look: lookAtSources,
};

type Context = JobContext<DigestSettings>;

async function runDigest(context: Context): Promise<JobResult> {
  const { sources, maxItems } = context.settings;
  const { label } = context.period;
  const { fetched, reports, newestInputMs, groups, seen, told } = await readSources(context);
  const standings = await rankNew(context, groups, seen);
  const scoreOf = standings === null ? undefined : (group: Group) => standings.get(group)?.score ?? 0;
  const selection = selectNew(groups, seen, maxItems, scoreOf);
  const failures = notesOf(fetched, ({ error }) => (error === null ? [] : [error]));
  const count = selection.chosen.length === 0 ? "no new items" : plural(selection.chosen.length, "new item");
  const summary = failures.length === 0 ? count : `${count}; ${plural(failures.length, "source")} failed`;
  context.remember([...selection.keys, ...told.keys]);
  const articles = await itemsInFull(context, selection.chosen, groups);
  const entries = await summarise(context, selection.chosen, articles.items, standings);
  const sections = groupEntries(entries, context.settings.groupBy, context.timezone);
  const document: DigestDocument = {
    label,
    timezone: context.timezone,
    lead: await writeLead(
      context,
      entriesOf({ sections }).flatMap(({ summary }) => summary ?? []),
    ),
    sections,
    sources: sources.length,
    waiting: selection.waiting.length,
    failures,
    omissions: [
      ...notesOf(fetched, ({ notes }) => notes),
      ...articles.notes,
      ...notesOnWaiting(selection.waiting, maxItems),
    ],
  };
  const isNews = entries.length > 0 || told.isNews;
  const report = publishDigest(context, document, isNews);
  return {
    units: entries.length,
    summary,
    report,
    printed: entries.map(toPrinted),
    sources: reports,
    newestInputMs,
  };
}

/** Where each new item stands among the owner's interests; null where there are none. */
async function rankNew(
  context: Context,
  groups: Group[][],
  seen: ReadonlySet<string>,
): Promise<Map<Group, Standing> | null> {
  const { interests, sources } = context.settings;
  if (interests.length === 0) return null;
  const nowMs = context.period.slotMs;
  const query = { jobs: null, fromMs: nowMs - RATED_DAYS * DAY_MS, untilMs: nowMs, isRated: true } as const;
  const rated = await context.step("ratings", () => context.printed(query));
  const unseen = groups.map((own) => own.filter(({ keys }) => !keys.some((key) => seen.has(key))));
  return rank(unseen, { interests, weights: sources.map(({ weight }) => weight ?? 1), rated, nowMs });
}

/** The chosen items with all that there is to read of them: of feeds without what is no text, and the articles where they are wanted. */
async function itemsInFull(
  context: Context,
  chosen: Group[],
  groups: Group[][],
): Promise<{ items: Item[]; notes: Note[] }> {
  const { sources, fullText } = context.settings;
  const sourceOf = new Map(
    groups.flatMap((own, index) => own.map((group) => [group, sources[index]] as const)),
  );
  const feedOf = (group: Group | undefined) => {
    const source = group === undefined ? undefined : sourceOf.get(group);
    return source !== undefined && "feed" in source ? source : undefined;
  };
  const items = chosen.map((group) =>
    feedOf(group) === undefined ? group.item : { ...group.item, text: withoutBoilerplate(group.item.text) },
  );
  return await readArticles(context, items, (index) => {
    const feed = feedOf(chosen[index]);
    return feed !== undefined && (feed.full_text ?? fullText);
  });
}

function toPrinted({ id, item, summary, score }: Ranked): NewlyPrinted {
  const { key, title, link, source, publishedAt } = item;
  return { id, key, title, link, source, summary: summary?.text ?? "", publishedAt, score };
}

async function summarise(
  context: Context,
  groups: Group[],
  items: Item[],
  standings: Map<Group, Standing> | null,
): Promise<Ranked[]> {
  const entries: Ranked[] = [];
  const asked = new Map<string, Item>();
  for (const [index, group] of groups.entries()) {
    const item = items[index] ?? group.item;
    context.progress(entries.length, groups.length, item.title);
    const summary = await summariseItem(context, item, asked);
    const { score = null, reasons = [], topic = null } = standings?.get(group) ?? {};
    entries.push({ id: printedId(context.name, item.key), item, summary, score, reasons, topic });
  }
  if (groups.length > 0) context.progress(entries.length, groups.length, "lead");
  return entries;
}

/** New items that found no room, by source, the first few by their titles. */
function notesOnWaiting(groups: Group[], itemsMax: number): Note[] {
  const bySource = new Map<string, string[]>();
  for (const { item } of groups)
    bySource.set(item.source, [...(bySource.get(item.source) ?? []), item.title]);
  return [...bySource].map(([source, titles]) => {
    const more = titles.length > WAITING_NAMED ? "; …" : "";
    const named = `${titles.slice(0, WAITING_NAMED).join("; ")}${more}`;
    const what = `${plural(titles.length, "item")} for the next digest, as one holds ${itemsMax} (max_items)`;
    return { source, error: `${what}: ${named}` };
  });
}

function notesOf(fetched: Fetched[], texts: (source: Fetched) => string[]): Note[] {
  return fetched.flatMap((source) => texts(source).map((error) => ({ source: source.label, error })));
}
