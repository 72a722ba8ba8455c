import { createHash } from "node:crypto";
import { once } from "../../../lib/once.ts";
import { escapeHtml } from "../../../lib/text.ts";
import {
  bylineOf,
  countsLine,
  type DigestDocument,
  type DigestSection,
  type Entry,
  type Note,
  type Remarks,
  rateCommand,
  remarksOn,
  titleOf,
} from "./document.ts";

const STYLE = `:root{color-scheme:light dark;--text:#1c1e21;--quiet:#5b6168;--page:#fbfbfa;--line:#d9dbde;--link:#0b57c4}
@media(prefers-color-scheme:dark){:root{--text:#e4e6e9;--quiet:#a2a8af;--page:#17191c;--line:#383c41;--link:#8ab8ff}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:42rem;padding:2rem 1.25rem 3rem;background:var(--page);color:var(--text);font:1.0625rem/1.6 system-ui,sans-serif;overflow-wrap:anywhere}
h1{font-size:1.75rem;line-height:1.2;letter-spacing:-.01em;margin:0 0 .25rem}
h2.group,footer h2{font-size:.8125rem;line-height:1.4;letter-spacing:.06em;text-transform:uppercase;color:var(--quiet);margin:2.25rem 0 0;padding-bottom:.4rem;border-bottom:1px solid var(--line)}
.title{font-size:1.125rem;line-height:1.35;margin:0}
a{color:var(--link);text-decoration-thickness:1px;text-underline-offset:.15em}
p{margin:.3rem 0;unicode-bidi:isolate}
article{padding:1.1rem 0;overflow:hidden}
article+article{border-top:1px solid var(--line)}
main{margin-top:1.5rem}
.lead{font-size:1.1875rem;line-height:1.5;margin:1.25rem 0 .3rem}
.quiet{color:var(--quiet);font-size:.875rem}
code{font:.875em/1.4 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
footer{border-top:1px solid var(--line);margin-top:2rem}
footer h2{border:0;margin-top:1rem;padding:0}
footer ul{margin:.3rem 0;padding-left:1.1rem}`;

/** The hash lets exactly this style in; scripts, images, frames, forms and every remote address stay out. */
const policy = once(() => {
  const hash = createHash("sha256").update(STYLE).digest("base64");
  return `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`;
});

/** The digest as one page that needs nothing else and loads nothing. The same document gives the same bytes. */
export function composeHtml(document: DigestDocument): string {
  const title = escapeHtml(titleOf(document));
  const { lead } = document;
  const remarks = remarksOn(document);
  const opening =
    lead &&
    `<p class="lead" dir="auto">${escapeHtml(lead.text)}</p>\n${remarkHtml(remarks.of("lead", lead))}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy()}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="format-detection" content="telephone=no, date=no, address=no, email=no">
<title>${title}</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<h1>${title}</h1>
<p class="quiet">${escapeHtml(countsLine(document))}</p>
${opening ?? ""}${remarkHtml(remarks.all)}</header>
<main>
${document.sections.map((section) => sectionHtml(section, document.timezone, remarks)).join("")}</main>
${footHtml(document)}</body>
</html>
`;
}

function sectionHtml(section: DigestSection, timezone: string, remarks: Remarks): string {
  const { heading, entries } = section;
  const opening = heading === null ? "" : `<h2 class="group" dir="auto">${escapeHtml(heading)}</h2>\n`;
  const articles = entries.map((entry) => entryHtml(entry, section, timezone, remarks));
  return `<section>\n${opening}${articles.join("")}</section>\n`;
}

function entryHtml(entry: Entry, section: DigestSection, timezone: string, remarks: Remarks): string {
  const { item, summary, reasons } = entry;
  const { source, day } = bylineOf(entry, section, timezone);
  const title = escapeHtml(item.title);
  // Levels without a gap, as screen readers go by them.
  const level = section.heading === null ? "h2" : "h3";
  const heading =
    item.link === null
      ? title
      : `<a href="${escapeHtml(item.link)}" rel="noopener noreferrer nofollow">${title}</a>`;
  const whose = source === null ? "" : `<bdi>${escapeHtml(source)}</bdi>, `;
  const date =
    item.publishedAt === null
      ? "undated"
      : `<time datetime="${new Date(item.publishedAt).toISOString()}">${day}</time>`;
  const text =
    summary === null
      ? ""
      : `<p dir="auto">${escapeHtml(summary.text)}</p>\n${remarkHtml(remarks.of("summary", summary))}`;
  const id = entry.id === null ? "" : ` · <code>${entry.id}</code>`;
  const why = reasons.length === 0 ? "" : `<p class="quiet">${escapeHtml(reasons.join("; "))}</p>\n`;
  return `<article>
<${level} class="title" dir="auto">${heading}</${level}>
<p class="quiet">${whose}${date}${id}</p>
${text}${why}</article>
`;
}

function remarkHtml(remark: string | null): string {
  return remark === null ? "" : `<p class="quiet">(${escapeHtml(remark)})</p>\n`;
}

function footHtml(document: DigestDocument): string {
  const { tally = [], failures, omissions } = document;
  const rate = rateCommand(document);
  if (tally.length + failures.length + omissions.length === 0 && rate === null) return "";
  const rating = rate === null ? "" : `<p>To rate an item: <code>${rate}</code>, or down.</p>\n`;
  return `<footer class="quiet">
${notesHtml("By source", tally)}${notesHtml("Failing sources", failures)}${notesHtml("Left out", omissions)}${rating}</footer>
`;
}

function notesHtml(heading: string, notes: Note[]): string {
  if (notes.length === 0) return "";
  const items = notes.map(
    (note) => `<li><bdi>${escapeHtml(note.source)}</bdi>: <bdi>${escapeHtml(note.error)}</bdi></li>\n`,
  );
  return `<h2>${heading}</h2>
<ul>
${items.join("")}</ul>
`;
}
