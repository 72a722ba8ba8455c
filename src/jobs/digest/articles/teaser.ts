/** Lines that programs put where a summary should be: labels with an address or a number, and notes of the feed's own. */
const BOILERPLATE: readonly RegExp[] = [
  /^(?:article url|comments url|comments|link|source|permalink|via|url|points|score|# ?comments|votes)\s*[:：]?\s*(?:https?:\/\/\S+|[\d.,]+)?$/i,
  /^\[?(?:link|comments)\]?(?:\s+\[?(?:link|comments)\]?)*$/i,
  /^submitted by\s+\/?u\/\S+(?:\s+to\s+\/?r\/\S+)?(?:\s*\[link\])?(?:\s*\[comments\])?$/i,
  /^the post .{1,300} (?:first appeared|appeared first) on .{1,100}$/i,
  /^(?:read (?:the )?(?:more|rest|full (?:story|article))|continue reading|weiterlesen|mehr lesen|lire la suite|leer más|seguir leyendo|leggi tutto|continua a leggere|ler mais|lees verder|view (?:on|in) .{1,40})\b.{0,80}$/i,
  /^https?:\/\/\S+$/i,
];
/** Behind the text itself, within a line. */
const ENDING =
  /\s*(?:the post .{1,300} (?:first appeared|appeared first) on .{1,100}|submitted by\s+\/?u\/\S+.{0,60}|\[?(?:read more|continue reading|weiterlesen|lire la suite|leer más|leggi tutto|lees verder)(?:…|\.{3}|\s?[→»\]])?)$/i;

/** The text without what is not about the item; empty where nothing is left of it. */
export function withoutBoilerplate(text: string): string {
  const lines = text.split("\n").filter((line) => !BOILERPLATE.some((each) => each.test(line.trim())));
  return lines.join("\n").trim().replace(ENDING, "").trim();
}

/** A text of this many characters is read as it is; a shorter one may only whet the appetite for the article. */
const WHOLE_CHARS_MIN = 1_200;

/** Whether a feed's text seems to be less than the article: short, or broken off. */
export function isTeaser(text: string): boolean {
  return text.length < WHOLE_CHARS_MIN || /(?:…|\.{3}|\[…\]|\[\.{3}\])\s*$/.test(text);
}
