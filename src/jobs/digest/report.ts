import type { Report, ReportItem } from "../../delivery/report.ts";
import { dayIn } from "../../lib/days.ts";
import { countsLine, type DigestDocument, type Entry, plural, type Remarks, remarksOn } from "./document.ts";

/** What receivers of the digest get: the same as its pages say, in the neutral form. `files` is left to whoever publishes. */
export function toReport(document: DigestDocument): Report {
  const { lead, entries, label, timezone, failures, omissions } = document;
  const remarks = remarksOn(document);
  const count = entries.length === 0 ? "nothing new" : plural(entries.length, "new item");
  return {
    title: `${dayTitle(label)}: ${count}`,
    text: lead?.text ?? "",
    counts: countsLine(document),
    sections: [{ heading: null, items: entries.map((entry) => toItem(entry, timezone, remarks)) }],
    notes: [
      ...(remarks.all === null ? [] : [remarks.all]),
      ...[...failures, ...omissions].map(({ source, error }) => `${source}: ${error}`),
    ],
    files: [],
  };
}

function toItem({ item, summary }: Entry, timezone: string, remarks: Remarks): ReportItem {
  const date = item.publishedAt === null ? "undated" : dayIn(item.publishedAt, timezone);
  return {
    id: null,
    title: item.title,
    link: item.link,
    byline: `${item.source}, ${date}`,
    text: summary.text,
    remark: remarks.of("summary", summary),
  };
}

/** `Sunday 29 November` for a label that begins with a date, with the time that follows it; else the label. */
function dayTitle(label: string): string {
  const found = /^(\d{4}-\d{2}-\d{2})(?:[-T ]?(\d{2}):?(\d{2}))?/.exec(label);
  if (found?.[1] === undefined) return label;
  const words = { weekday: "long", day: "numeric", month: "long", timeZone: "UTC" } as const;
  const format = new Intl.DateTimeFormat("en-GB", words);
  const day = format.format(Date.parse(`${found[1]}T00:00:00Z`)).replace(",", "");
  return found[2] === undefined ? day : `${day} ${found[2]}:${found[3]}`;
}
