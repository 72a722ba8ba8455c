import { textWidth } from "./width.ts";

/**
 * Text of foreign origin that a person is to judge, with everything in it that a terminal acts on or does not show as
 * `<U+001B>`: control characters, line separators, what is invisible or turns the direction of writing around (Unicode
 * categories C, Zl, Zp, every space but the plain one), and marks piled so high that they draw over other lines.
 */
export function visible(text: string): string {
  return text.replace(UNSEEN, (character) => `<U+${hex(character.codePointAt(0) ?? 0)}>`);
}

/** JSON that means the same, whose strings hold nothing that a terminal acts on or does not show. */
export function visibleJson(value: unknown): string {
  const json = JSON.stringify(value, undefined, 2);
  // A new line is the layout's own here: within strings JSON escapes it.
  return json.replace(UNSEEN, (character) => (character === "\n" ? "\n" : escapeUnits(character)));
}

/**
 * Visible text in pieces of at most `columns` columns, cut after a space where there is one late enough: a terminal that
 * wraps a long line by itself begins the rest at the left edge, where it could pass for a line of ours.
 */
export function wrapVisible(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = "";
  let width = 0;
  for (const character of visible(text)) {
    const more = textWidth(character);
    if (width + more > columns) {
      const space = line.lastIndexOf(" ") + 1;
      const end = space > line.length / 2 ? space : line.length;
      lines.push(line.slice(0, end));
      line = line.slice(end);
      width = textWidth(line);
    }
    line += character;
    width += more;
  }
  return [...lines, line];
}

/** Braille blank (U+2800) has ink in no font, and no property that says so. */
const UNSEEN = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]|(?! )\p{Zs}|(?<=\p{M}{3})\p{M}/gu;

function hex(code: number): string {
  return code.toString(16).toUpperCase().padStart(4, "0");
}

/** As JSON escapes it: by UTF-16 units. */
function escapeUnits(character: string): string {
  return character
    .split("")
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .join("");
}
