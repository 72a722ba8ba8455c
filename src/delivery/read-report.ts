import { stripVTControlCharacters } from "node:util";
import * as v from "valibot";
import { clip, oneLine } from "../lib/text.ts";
import { withoutHidden } from "../lib/visible.ts";
import type { Report, ReportItem, ReportSection, RunReport } from "./report.ts";

/** UTF-16 units, and numbers, that a report may have; what is beyond is cut, since somebody else's page may be behind it. */
const TITLE_MAX = 300;
const LINE_MAX = 500;
const TEXT_MAX = 20_000;
const ITEM_TEXT_MAX = 4_000;
const LINK_MAX = 2_000;
const ITEMS_MAX = 500;
const SECTIONS_MAX = 100;
const NOTES_MAX = 100;

const line = v.optional(v.nullable(v.string()), null);
const reportSchema = v.object({
  title: v.string(),
  isNews: v.optional(v.boolean(), true),
  text: v.optional(v.string(), ""),
  counts: line,
  sections: v.optional(
    v.array(
      v.object({
        heading: line,
        items: v.array(
          v.object({
            title: v.string(),
            id: line,
            link: line,
            byline: v.optional(v.string(), ""),
            text: v.optional(v.string(), ""),
            remark: line,
          }),
        ),
      }),
    ),
    [],
  ),
  notes: v.optional(v.array(v.string()), []),
  files: v.optional(v.array(v.string()), []),
});

/**
 * What a job handed in as its report, made safe to keep and to send: bounded, without what hides or reorders text, links to
 * the web alone, secrets taken out by `redact`. What is no report at all gives, as a text, where it is wrong.
 */
export function readReport(given: unknown, redact: (text: string) => string): RunReport | string {
  const parsed = v.safeParse(reportSchema, given);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    return `${v.getDotPath(issue) ?? "it"}: ${issue.message}`;
  }
  const { isNews, ...report } = parsed.output;
  return { ...bounded(report, redact), isNews };
}

function bounded(report: Report, redact: (text: string) => string): Report {
  const short = (text: string, max = LINE_MAX) => oneLine(redact(withoutHidden(text)), max);
  const orNull = (text: string | null) => (text === null ? null : short(text) || null);
  let left = ITEMS_MAX;
  const item = (given: ReportItem): ReportItem => ({
    id: orNull(given.id),
    title: short(given.title, TITLE_MAX) || "(untitled)",
    link: safeLink(given.link, redact),
    byline: short(given.byline),
    text: longText(given.text, ITEM_TEXT_MAX, redact),
    remark: orNull(given.remark),
  });
  const section = ({ heading, items }: ReportSection): ReportSection => {
    const kept = items.slice(0, left);
    left -= kept.length;
    return { heading: orNull(heading), items: kept.map(item) };
  };
  return {
    title: short(report.title, TITLE_MAX) || "(untitled)",
    text: longText(report.text, TEXT_MAX, redact),
    counts: orNull(report.counts),
    sections: report.sections
      .slice(0, SECTIONS_MAX)
      .map(section)
      .filter(({ items }) => items.length > 0),
    notes: report.notes.slice(0, NOTES_MAX).map((note) => short(note)),
    files: report.files.slice(0, NOTES_MAX).map((file) => short(file)),
  };
}

/** Lines and columns stay: it may be a table that a program has printed. */
function longText(raw: string, max: number, redact: (text: string) => string): string {
  const text = stripVTControlCharacters(raw.slice(0, 4 * max).toWellFormed())
    .replace(/\r\n?|[\v\f\u0085\u2028\u2029]/g, "\n")
    .replace(/[^\P{Cc}\n\t]/gu, "");
  return clip(redact(withoutHidden(text)).trimEnd(), max);
}

function safeLink(link: string | null, redact: (text: string) => string): string | null {
  const url = link === null ? null : URL.parse(link);
  if (url === null || !/^https?:$/.test(url.protocol) || url.username + url.password !== "") return null;
  // With a secret in it, it leads nowhere without, and is none of the receiver's with it.
  return url.href.length > LINK_MAX || redact(url.href) !== url.href ? null : url.href;
}
