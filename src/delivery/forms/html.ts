import { escapeHtml } from "../../lib/text.ts";
import type { ReportItem, ReportSection } from "../report.ts";
import { headlineOf, type Result } from "../result.ts";
import { bylineWithId, lastLines } from "./blocks.ts";

const QUIET = "color:#5b6168;font-size:14px;margin:4px 0";
const PLAIN = "margin:4px 0;white-space:pre-wrap;unicode-bidi:isolate";

/** The result as a piece of HTML without a style sheet, script or anything remote: mail programs and feed readers take no more. */
export function htmlFragment(result: Result): string {
  const { report, pageUrl } = result;
  return [
    paragraph(report.text, PLAIN),
    paragraph(report.counts ?? "", QUIET),
    ...report.sections.map(sectionHtml),
    report.notes.length === 0
      ? ""
      : `<ul style="${QUIET}">${report.notes.map((note) => `<li dir="auto">${escapeHtml(note)}</li>`).join("")}</ul>`,
    ...lastLines(result).map((line) => paragraph(line, QUIET)),
    pageUrl === null ? "" : `<p style="${QUIET}">${anchor(pageUrl, "On the agent's page")}</p>`,
  ]
    .filter((part) => part !== "")
    .join("\n");
}

/** The same as a whole document. */
export function htmlDocument(result: Result): string {
  const title = escapeHtml(headlineOf(result));
  const body = "margin:0 auto;max-width:42rem;padding:16px;font:16px/1.5 system-ui,sans-serif";
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${title}</title></head>
<body style="${body}">
<h1 dir="auto" style="font-size:22px;line-height:1.25">${title}</h1>
${htmlFragment(result)}
</body>
</html>
`;
}

function sectionHtml({ heading, items }: ReportSection): string {
  const head = heading === null ? "" : `<h2 dir="auto" style="font-size:18px">${escapeHtml(heading)}</h2>\n`;
  return `${head}${items.map(itemHtml).join("\n")}`;
}

function itemHtml(item: ReportItem): string {
  const { title, link, text, remark } = item;
  const name = link === null ? escapeHtml(title) : anchor(link, title);
  return [
    `<h3 dir="auto" style="font-size:16px;margin:16px 0 0">${name}</h3>`,
    paragraph(bylineWithId(item), QUIET),
    paragraph(text, PLAIN),
    paragraph(remark === null ? "" : `(${remark})`, QUIET),
  ]
    .filter((part) => part !== "")
    .join("\n");
}

function paragraph(text: string, style: string): string {
  return text === "" ? "" : `<p dir="auto" style="${style}">${escapeHtml(text)}</p>`;
}

function anchor(address: string, text: string): string {
  return `<a href="${escapeHtml(address)}" rel="noopener noreferrer nofollow">${escapeHtml(text)}</a>`;
}
