/**
 * What a terminal acts on or does not show: control characters, line separators, what is invisible or turns the direction
 * of writing around (Unicode categories C, Zl, Zp, every space but the plain one), and marks piled so high that they draw
 * over other lines. Braille blank (U+2800) has ink in no font, and no property that says so.
 */
const UNSEEN = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]|(?! )\p{Zs}|(?<=\p{M}{3})\p{M}/gu;
/** Of these, what has no width, but for what joins emoji. Control characters and separators stand between words, and stay. */
const HIDDEN =
  /(?!(?<=\p{Extended_Pictographic}|\p{EMod}|\ufe0f)\u200d(?=\p{Extended_Pictographic})|(?<=\p{Extended_Pictographic})\ufe0f)[\p{Cf}\p{Co}\p{Cn}\p{Cs}\p{Default_Ignorable_Code_Point}]/gu;
const PLAIN = /^[\n -~]*$/;

/** Text of foreign origin that a person is to judge, with everything in it that is not seen as `<U+001B>`. */
export function visible(text: string): string {
  return PLAIN.test(text) && !text.includes("\n") ? text : text.replace(UNSEEN, named);
}

/** The same for text of several lines. */
export function visibleLines(text: string): string {
  return text.split("\n").map(visible).join("\n");
}

/** Text that people only read: without what has no width, or turns the direction of what follows. */
export function withoutHidden(text: string): string {
  return PLAIN.test(text) ? text : text.replace(HIDDEN, "");
}

/** JSON that means the same, whose strings hold nothing that a terminal acts on or does not show. */
export function escapeUnseen(json: string): string {
  if (PLAIN.test(json)) return json;
  // A new line is the layout's own: within strings JSON escapes it.
  return json.replace(UNSEEN, (character) => (character === "\n" ? "\n" : escapeUnits(character)));
}

/** The first character that is not seen, as `U+200B`; null when all are. */
export function firstUnseen(text: string): string | null {
  const [found] = text.match(UNSEEN) ?? [];
  return found === undefined ? null : codePointOf(found);
}

function named(character: string): string {
  return `<${codePointOf(character)}>`;
}

function codePointOf(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
}

/** As JSON escapes it: by UTF-16 units. */
function escapeUnits(character: string): string {
  return character
    .split("")
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .join("");
}
