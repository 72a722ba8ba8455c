import { oneLine } from "./text.ts";

const LINE_CHARS_MAX = 4_000;
/** U+2060: invisible, no width, no break. It ends what a renderer would otherwise turn into a link by itself. */
const WORD_JOINER = "\u2060";

/**
 * Text from outside as one line of Markdown that shows as exactly that text: no emphasis, code, link, image, HTML,
 * table, heading, list, formula or entity, wherever on a line it stands. Bare addresses (GFM, "Autolinks
 * (extension)": http://, www., mailto:, name@host) stay text too.
 */
export function escapeMarkdown(text: string): string {
  return oneLine(text, LINE_CHARS_MAX)
    .replace(/[\\`*_[\]<>|~$]|&(?=#?\w+;)/g, "\\$&")
    .replace(/^[#+\-=:]/, "\\$&")
    .replace(/^(\d{1,9})([.)])/, "$1\\$2")
    .replace(/#(?=#*$)/g, (mark, at: number) => (at === 0 ? mark : `\\${mark}`))
    .replace(/:\/\//g, `:${WORD_JOINER}//`)
    .replace(/www\./gi, (www) => `${www.slice(0, -1)}${WORD_JOINER}.`)
    .replace(/(?:mailto|xmpp):/gi, (scheme) => `${scheme.slice(0, -1)}${WORD_JOINER}:`)
    .replace(/(?<=[\w.+-])@/g, `${WORD_JOINER}@`);
}

/** An address that `safeLink` let through, as a Markdown link destination that cannot end early. */
export function markdownDestination(link: string): string {
  return link
    .replace(/[()<>\\`|\s]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`)
    .replace(/&(?=#?\w+;)/g, "&amp;");
}

const HTML_ENTITIES: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text from outside for an HTML text node or a quoted attribute value. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => HTML_ENTITIES[char] ?? "");
}
