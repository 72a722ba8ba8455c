import { type Html, html } from "./html.ts";

/*
 * The Markdown that digests are written in (jobs/digest/document/markdown.ts): headings of two levels, one quoted lead, lists, rules,
 * paragraphs, and of what stands within a line links, addresses in code spans and a paragraph in emphasis. Anything else stays
 * the text that it is.
 */

const BLOCKS_MAX = 1_000;

/** The blocks of a digest, without its first heading. Links lead to http and https addresses alone. */
export function renderDigest(markdown: string): Html {
  const blocks = markdown.split(/\n{2,}/).filter((block) => block.trim() !== "");
  const body = blocks[0]?.startsWith("# ") ? blocks.slice(1) : blocks;
  return html`${body.slice(0, BLOCKS_MAX).map(block)}`;
}

function block(source: string): Html {
  const text = source.trim();
  if (text === "---") return html`<hr>\n`;
  if (text.startsWith("### ")) return html`<h4>${inline(text.slice(4))}</h4>\n`;
  if (text.startsWith("## ")) return html`<h3>${inline(text.slice(3))}</h3>\n`;
  if (text.startsWith("> ")) return html`<blockquote>${inline(text.slice(2))}</blockquote>\n`;
  const lines = text.split("\n");
  if (lines.every((line) => line.startsWith("- "))) {
    return html`<ul>${lines.map((line) => html`<li>${inline(line.slice(2))}</li>`)}</ul>\n`;
  }
  const isEmphasis = lines.length === 1 && /^\*[^*].*[^\\]\*$/.test(text);
  if (isEmphasis) return html`<p class="quiet small">${inline(text.slice(1, -1))}</p>\n`;
  return html`<p>${inline(text)}</p>\n`;
}

/** `[text](address)`, where neither ends early: brackets within are escaped. Bounded, so that no text takes long. */
const LINK = /\[((?:[^\]\\]|\\.){0,500})\]\(([^\s()<>\\]{0,6000})\)/g;

function inline(text: string): Html {
  const parts: Html[] = [];
  let end = 0;
  for (const match of text.matchAll(LINK)) {
    parts.push(plain(text.slice(end, match.index)), link(match[1] ?? "", match[2] ?? ""));
    end = match.index + match[0].length;
  }
  return html`${[...parts, plain(text.slice(end))]}`;
}

function link(label: string, address: string): Html {
  const url = URL.parse(address.replaceAll("&amp;", "&"));
  if (url === null || !/^https?:$/.test(url.protocol)) return plain(`[${label}](${address})`);
  return html`<a href="${url.href}" rel="noopener noreferrer nofollow" target="_blank">${plain(label)}</a>`;
}

/** Undoes escapeMarkdown; the template escapes for HTML. */
function plain(text: string): Html {
  return html`<bdi>${text.replace(/\\([\\`*_[\]<>|~$&#+\-=:.)!])|`([^`]{1,4000})`/g, "$1$2")}</bdi>`;
}
