import { once } from "../lib/once.ts";

/**
 * How many columns of a terminal a text takes: two for East Asian wide characters and for emoji, none for what only
 * changes the character before it (Unicode Standard Annex 11, by the scripts and ranges that occur in practice).
 */
export function textWidth(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  let width = 0;
  for (const { segment } of segmenter().segment(text)) width += graphemeWidth(segment);
  return width;
}

/** Fills with spaces to `width` columns; longer text stays whole. */
export function padToWidth(text: string, width: number, align: "left" | "right"): string {
  const fill = " ".repeat(Math.max(0, width - textWidth(text)));
  return align === "right" ? fill + text : text + fill;
}

// Made when first needed: most output is ASCII, and making one of these takes longer than printing it.
const segmenter = once(() => new Intl.Segmenter(undefined, { granularity: "grapheme" }));
const invisible = once(() => /^[\p{Mark}\p{Default_Ignorable_Code_Point}\p{Control}]+$/u);
const wide = once(
  () =>
    /^(?:\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}|[\u3000-\u303e\u30fb\u30fc\uff01-\uff60\uffe0-\uffe6])/u,
);
const HALFWIDTH = /^[\uff61-\uffdc]/u;
/** An emoji by itself, one made so by U+FE0F, a flag, or a key cap. */
const emoji = once(() => /^\p{Emoji_Presentation}|^\p{Emoji}\ufe0f|^\p{Regional_Indicator}{2}/u);

function graphemeWidth(grapheme: string): number {
  if (invisible().test(grapheme)) return 0;
  if (HALFWIDTH.test(grapheme)) return 1;
  return wide().test(grapheme) || emoji().test(grapheme) ? 2 : 1;
}
