import { createHash } from "node:crypto";
import { dayIn } from "../../lib/days.ts";
import { once } from "../../lib/once.ts";
import { escapeHtml } from "../../lib/text.ts";
import {
  countsLine,
  type DigestDocument,
  type Entry,
  type Note,
  type Remarks,
  remarksOn,
} from "./document.ts";

const STYLE = `:root{color-scheme:light dark;--text:#1c1e21;--quiet:#5b6168;--page:#fbfbfa;--line:#d9dbde;--link:#0b57c4}
@media(prefers-color-scheme:dark){:root{--text:#e4e6e9;--quiet:#a2a8af;--page:#17191c;--line:#383c41;--link:#8ab8ff}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:42rem;padding:1.5rem 1rem 3rem;background:var(--page);color:var(--text);font:1rem/1.55 system-ui,sans-serif;overflow-wrap:anywhere}
h1{font-size:1.5rem;line-height:1.25;margin:0 0 1rem}
h2{font-size:1.1rem;line-height:1.35;margin:0}
a{color:var(--link)}
p{margin:.35rem 0;unicode-bidi:isolate}
article{border-top:1px solid var(--line);padding:1rem 0;overflow:hidden}
.lead{font-size:1.1rem}
.quiet{color:var(--quiet);font-size:.875rem}
footer{border-top:1px solid var(--line);padding-top:1rem}
footer h2{margin-top:.5rem}`;

/** The hash lets exactly this style in; scripts, images, frames, forms and every remote address stay out. */
const policy = once(() => {
  const hash = createHash("sha256").update(STYLE).digest("base64");
  return `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`;
});

/** The digest as one page that needs nothing else and loads nothing. The same document gives the same bytes. */
export function composeHtml(document: DigestDocument): string {
  const title = `Digest for ${escapeHtml(document.label)}`;
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
${opening ?? ""}<p class="quiet">${escapeHtml(countsLine(document))}</p>
${remarkHtml(remarks.all)}</header>
<main>
${document.entries.map((entry) => entryHtml(entry, document.timezone, remarks)).join("")}</main>
${footHtml(document)}</body>
</html>
`;
}

function entryHtml({ item, summary }: Entry, timezone: string, remarks: Remarks): string {
  const title = escapeHtml(item.title);
  const heading =
    item.link === null
      ? title
      : `<a href="${escapeHtml(item.link)}" rel="noopener noreferrer nofollow">${title}</a>`;
  const date =
    item.publishedAt === null
      ? "undated"
      : `<time datetime="${new Date(item.publishedAt).toISOString()}">${dayIn(item.publishedAt, timezone)}</time>`;
  return `<article>
<h2 dir="auto">${heading}</h2>
<p class="quiet"><bdi>${escapeHtml(item.source)}</bdi>, ${date}</p>
<p dir="auto">${escapeHtml(summary.text)}</p>
${remarkHtml(remarks.of("summary", summary))}</article>
`;
}

function remarkHtml(remark: string | null): string {
  return remark === null ? "" : `<p class="quiet">(${escapeHtml(remark)})</p>\n`;
}

function footHtml({ failures, omissions }: DigestDocument): string {
  if (failures.length + omissions.length === 0) return "";
  return `<footer class="quiet">
${notesHtml("Failing sources", failures)}${notesHtml("Left out", omissions)}</footer>
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
