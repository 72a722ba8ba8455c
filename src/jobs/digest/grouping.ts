import { dayIn, dayInWords } from "../../lib/days.ts";
import type { DigestSection, Entry } from "./document/document.ts";

/** What the items of a digest can be grouped by. */
export const GROUPINGS = ["source", "topic", "date", "none"] as const;
/** One of them. */
type GroupBy = (typeof GROUPINGS)[number];

/** An entry, the topic of the owner's that it is about, and its figure among the others; both null where nothing was ranked. */
export interface Ranked extends Entry {
  id: string;
  score: number | null;
  topic: string | null;
}

/**
 * The entries in sections, each in the place of its first entry, so that the order of entries decides both. What has no
 * topic, or no date, comes last. A heading that all would stand under is left out.
 */
export function groupEntries(entries: Ranked[], groupBy: GroupBy, timezone: string): DigestSection[] {
  const named = new Map<string, Entry[]>();
  const rest: Entry[] = [];
  for (const { topic, score, ...entry } of entries) {
    const heading = headingOf({ ...entry, topic, score }, groupBy, timezone);
    if (heading === null) rest.push(entry);
    else named.set(heading, [...(named.get(heading) ?? []), entry]);
  }
  const isSource = groupBy === "source";
  const sections = [...named].map(([heading, each]) => ({ heading, isSource, entries: each }));
  const last = rest.length === 0 ? [] : [{ heading: REST[groupBy], isSource: false, entries: rest }];
  const all: DigestSection[] = [...sections, ...last];
  return all.length === 1 ? all.map((only) => ({ ...only, heading: null, isSource: false })) : all;
}

const REST: Record<GroupBy, string | null> = { source: null, topic: "Other", date: "Undated", none: null };

function headingOf({ item, topic }: Ranked, groupBy: GroupBy, timezone: string): string | null {
  switch (groupBy) {
    case "source":
      return item.source;
    case "topic":
      return topic;
    case "date":
      return item.publishedAt === null ? null : dayInWords(dayIn(item.publishedAt, timezone));
    case "none":
      return null;
  }
}
