import { createHash } from "node:crypto";
import { toIso } from "../../lib/clock.ts";
import { escapeHtml } from "../../lib/text.ts";
import { firstLink, headlineOf, type Result } from "../result.ts";
import { htmlFragment } from "./html.ts";

/** The results as an Atom feed (RFC 4287), the newest first. `url` is its own address, where it has one. */
export function atomFeed(
  results: readonly Result[],
  { agent, url, nowMs }: { agent: string; url: string | null; nowMs: number },
): string {
  const updated = Math.max(...results.map(({ createdMs }) => createdMs), 0) || nowMs;
  return `<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom">
<id>${urnOf(`feed\n${agent}`)}</id>
<title>${xml(agent)}</title>
<updated>${toIso(updated)}</updated>
<author><name>${xml(agent)}</name></author>
<generator>afk</generator>
${url === null ? "" : `<link rel="self" type="application/atom+xml" href="${xml(url)}"/>\n`}${results.map(entry).join("")}</feed>
`;
}

function entry(result: Result): string {
  const { run, outcome, job, agent, createdMs, pageUrl } = result;
  const link = pageUrl ?? firstLink(result);
  return `<entry>
<id>${urnOf(`${agent}\n${run}\n${outcome}`)}</id>
<title>${xml(headlineOf(result))}</title>
<updated>${toIso(createdMs)}</updated>
<published>${toIso(createdMs)}</published>
<category term="${xml(job)}"/>
${link === null ? "" : `<link rel="alternate" href="${xml(link)}"/>\n`}<content type="html">${xml(htmlFragment(result))}</content>
</entry>
`;
}

/** A name for ever that needs no address of ours (RFC 4122, made from a hash as version 8 of RFC 9562 allows). */
function urnOf(name: string): string {
  const hex = createHash("sha256").update(name).digest("hex");
  const variant = ((Number.parseInt(hex.slice(16, 17), 16) & 0x3) | 0x8).toString(16);
  const parts = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ];
  return `urn:uuid:${parts.join("-")}`;
}

/** Text of XML 1.0, which has no place for control characters, half surrogates and two more. */
function xml(text: string): string {
  return escapeHtml(text.toWellFormed().replace(/[^\P{Cc}\n\t]|[\uFFFE\uFFFF]/gu, ""));
}
