/** Text that may or may not end in a full stop, as a sentence that ends. */
export function asSentence(text: string): string {
  const trimmed = text.trim();
  return /[!?…]$/.test(trimmed) ? trimmed : `${trimmed.replace(/[.\s]+$/, "")}.`;
}

/** `1 source`, `2 sources`, `0 tries`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** Longest input that is looked at; what lies behind it could not fit any bound of ours anyway. */
const RAW_CHARS_MAX = 64_000;

/**
 * Plain text from outside, made harmless and tidy, at most `charsMax` UTF-16 units long. Newlines stay. Control
 * characters go, and so do invisible ones that hide text from a reader or turn its direction round; combining marks
 * are kept to six in a row, since more of them paint over the lines around.
 */
export function cleanText(raw: string, charsMax: number): string {
  const text = raw
    .slice(0, RAW_CHARS_MAX)
    .toWellFormed()
    .replace(/\r\n?|[\v\f\u0085\u2028\u2029]/g, "\n")
    .replace(/[^\P{Cc}\n\t]/gu, "")
    .replace(/[\u00AD\u200B\u2060\u202A-\u202E\u2066-\u2069\uFEFF]|[\u{E0000}-\u{E007F}]/gu, "")
    .replace(/(\p{M}{6})\p{M}+/gu, "$1")
    .replace(/[^\S\n]+/g, " ")
    .replace(/ ?\n ?/g, "\n")
    .replace(/\n{3,}/g, "\n\n")
    .trim();
  return clip(text, charsMax);
}

/** The same on a single line: what a title, a label or a summary has to be. */
export function oneLine(raw: string, charsMax: number): string {
  return clip(cleanText(raw, RAW_CHARS_MAX).replace(/\s+/g, " "), charsMax);
}

/** One line without anything that a reader does not see, but for the joiners that words and emoji are written with. */
export const PLAIN_LINE: RegExp = /^(?:[^\p{C}\p{Zl}\p{Zp}]|[\u200C\u200D])*$/u;

/** The text as PLAIN_LINE has it. */
export function plainLine(raw: string, charsMax: number): string {
  return oneLine(raw, charsMax)
    .replace(/[^\P{C}\u200C\u200D]/gu, "")
    .trim();
}

/** At most `charsMax` UTF-16 units, an ellipsis included; never half of a surrogate pair. */
export function clip(text: string, charsMax: number): string {
  const whole = text.toWellFormed();
  if (whole.length <= charsMax) return whole;
  const cut = whole.slice(0, charsMax - 1).replace(/[\uD800-\uDBFF]$/, "");
  return `${cut.trimEnd()}…`;
}

/** As much of an error as a phone shows. */
const ERROR_CHARS_MAX = 200;
const ERROR_HEAD_CHARS = 60;

/** The lines of a Python traceback that stand before the one that says what happened; and the same on one line. */
const FRAMES = /Traceback \(most recent call last\):\n(?:[ \t].*\n)+/g;
const FRAMES_IN_LINE =
  /Traceback \(most recent call last\): File .*(?=(?<= )[A-Za-z_][\w.]*(?:Error|Exception|Interrupt|Timeout|Exit): )/;

/**
 * What an error says, on one line and at most `charsMax` UTF-16 units long: how it begins, which names the thing, and above all
 * its end, since programs say last what went wrong. Of a Python traceback that is the last line alone.
 */
export function endOfError(text: string, charsMax = ERROR_CHARS_MAX): string {
  const line = text.replace(FRAMES, "").replace(/\s+/g, " ").trim().replace(FRAMES_IN_LINE, "");
  if (line.length <= charsMax) return line;
  // Whole words, where there are some.
  const head = line.slice(0, ERROR_HEAD_CHARS).replace(/\s\S*$/, "");
  const tail = line.slice(line.length - (charsMax - head.length - 3)).replace(/^\S{0,20}\s/, "");
  return `${head} … ${tail}`.toWellFormed();
}

/** Text from outside for an HTML text node or a quoted attribute value. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
}
