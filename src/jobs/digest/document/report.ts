import type { Report, ReportItem, ReportSection, RunReport } from "../../../delivery/report.ts";
import { plural } from "../../../lib/text.ts";
import type { JobContext } from "../../job.ts";
import {
  bylineOf,
  countsLine,
  type DigestDocument,
  type DigestSection,
  type Entry,
  entriesOf,
  type Remarks,
  remarksOn,
  titleOf,
} from "./document.ts";
import { composeHtml } from "./html.ts";
import { composeMarkdown } from "./markdown.ts";

/** Publishes the digest as Markdown and as a page where it `isNews`, and gives what its receivers get. */
export function publishDigest(
  context: Pick<JobContext, "name" | "publish">,
  document: DigestDocument,
  isNews: boolean,
): RunReport {
  if (isNews) publishPages(context, document);
  return { ...toReport(document), isNews };
}

/** Publishes a document as Markdown and as a page. */
export function publishPages(context: Pick<JobContext, "name" | "publish">, document: DigestDocument): void {
  const name = `${context.name}-${document.label}`;
  context.publish(`${name}.md`, composeMarkdown(document));
  context.publish(`${name}.html`, composeHtml(document));
}

/** The same as its pages say, in the neutral form. `files` is left to whoever publishes. */
export function toReport(document: DigestDocument): Report {
  const { lead, tally = [], timezone, failures, omissions } = document;
  const remarks = remarksOn(document);
  const { length } = entriesOf(document);
  const count = length === 0 ? "nothing new" : plural(length, "new item");
  return {
    title: `${titleOf(document)}: ${count}`,
    text: lead?.text ?? "",
    counts: countsLine(document),
    sections: document.sections.map((section) => toSection(section, timezone, remarks)),
    notes: [
      ...(remarks.all === null ? [] : [remarks.all]),
      ...tally.map(({ source, error }) => `${source}: ${error}`),
      ...failures.map(({ source, error }) => `Failed: ${source}: ${error}`),
      ...omissions.map(({ source, error }) => `Left out: ${source}: ${error}`),
    ],
    files: [],
  };
}

function toSection(section: DigestSection, timezone: string, remarks: Remarks): ReportSection {
  const { heading, entries } = section;
  return { heading, items: entries.map((entry) => toItem(entry, section, timezone, remarks)) };
}

function toItem(entry: Entry, section: DigestSection, timezone: string, remarks: Remarks): ReportItem {
  const { id, item, summary, reasons } = entry;
  const { source, day } = bylineOf(entry, section, timezone);
  const remark = summary === null ? null : remarks.of("summary", summary);
  return {
    id,
    title: item.title,
    link: item.link,
    byline: `${source === null ? "" : `${source}, `}${day ?? "undated"}`,
    text: summary?.text ?? "",
    remark: [...(remark === null ? [] : [remark]), ...reasons].join("; ") || null,
  };
}
