import { AfkError } from "./errors.ts";

/** Where a value stands in a text, in characters. */
interface Span {
  start: number;
  end: number;
}

/** A key stands twice in one object: readers differ in which of the two counts. */
export class DuplicateKey extends AfkError {
  constructor(key: string) {
    super(
      "duplicate_key",
      `the key ${JSON.stringify(key.slice(0, 100))} stands twice in one object of the body`,
      {
        retry: "never",
      },
    );
  }
}

const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a];
const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_LIST, CLOSE_LIST] = [0x7b, 0x7d, 0x5b, 0x5d];

/**
 * The values of the top-level keys of a JSON object. The text must have been parsed as one before.
 * @throws DuplicateKey, at any depth.
 */
export function topLevelValues(text: string): Map<string, Span> {
  const values = new Map<string, Span>();
  /** The keys of each object that is open, the outermost first; null for a list. */
  const open: (Keys | null)[] = [];
  let isKeyNext = false;
  let top: { key: string; start: number } | null = null;
  const endTop = (end: number) => {
    if (open.length !== 1 || top === null) return;
    values.set(top.key, trimmed(text, top.start, end));
    top = null;
  };
  for (let at = 0; at < text.length; at += 1) {
    switch (text.charCodeAt(at)) {
      case QUOTE: {
        const end = endOfText(text, at);
        if (isKeyNext) {
          const key = keyOf(text.slice(at, end));
          open.at(-1)?.add(key);
          if (open.length === 1) top = { key, start: -1 };
          isKeyNext = false;
        }
        at = end - 1;
        break;
      }
      case COLON:
        if (open.length === 1 && top?.start === -1) top.start = at + 1;
        break;
      case COMMA:
        endTop(at);
        isKeyNext = open.at(-1) !== null;
        break;
      case OPEN_OBJECT:
        open.push(new Keys());
        isKeyNext = true;
        break;
      case OPEN_LIST:
        open.push(null);
        isKeyNext = false;
        break;
      case CLOSE_OBJECT:
      case CLOSE_LIST:
        endTop(at);
        open.pop();
        isKeyNext = false;
        break;
    }
  }
  return values;
}

/**
 * How many values a JSON text is made of, about: each takes memory and time, however few its bytes are. Looks no further once
 * there are more than `most`; the text need not be JSON.
 */
export function valuesIn(text: string, most: number): number {
  let count = 1;
  for (let at = 0; at < text.length && count <= most; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfText(text, at) - 1;
    else if (code === COMMA || code === OPEN_OBJECT || code === OPEN_LIST) count += 1;
  }
  return count;
}

/** The same text with top-level keys set or replaced; `values` as topLevelValues gives them. All else stays as it is. */
export function withKeys(
  text: string,
  values: ReadonlyMap<string, Span>,
  set: Readonly<Record<string, unknown>>,
): string {
  const added: string[] = [];
  const replaced: (Span & { by: string })[] = [];
  for (const [key, value] of Object.entries(set)) {
    const span = values.get(key);
    const by = JSON.stringify(value);
    if (span === undefined) added.push(`${JSON.stringify(key)}:${by}`);
    else replaced.push({ ...span, by });
  }
  let next = text;
  for (const { start, end, by } of replaced.sort((a, b) => b.start - a.start))
    next = next.slice(0, start) + by + next.slice(end);
  if (added.length === 0) return next;
  const behind = next.indexOf("{") + 1;
  return `${next.slice(0, behind)}${added.join(",")}${values.size > 0 ? "," : ""}${next.slice(behind)}`;
}

/** The keys of one object; few of them are found faster one by one. */
class Keys {
  readonly #few: string[] = [];
  #many: Set<string> | null = null;

  add(key: string): void {
    if (this.#many?.has(key) ?? this.#few.includes(key)) throw new DuplicateKey(key);
    if (this.#many !== null) this.#many.add(key);
    else if (this.#few.push(key) > 16) this.#many = new Set(this.#few);
  }
}

/** Behind the quote that ends the text which begins at `start`. */
function endOfText(text: string, start: number): number {
  for (let at = start + 1; ; at += 1) {
    at = text.indexOf('"', at);
    if (at === -1) return text.length;
    let before = at - 1;
    while (text.charCodeAt(before) === BACKSLASH) before -= 1;
    // An even number of backslashes escapes each other and not the quote.
    if ((at - before) % 2 === 1) return at + 1;
  }
}

function keyOf(quoted: string): string {
  return quoted.includes("\\") ? String(JSON.parse(quoted)) : quoted.slice(1, -1);
}

function trimmed(text: string, from: number, to: number): Span {
  let [start, end] = [from, to];
  while (start < end && text.charCodeAt(start) <= 0x20) start += 1;
  while (end > start && text.charCodeAt(end - 1) <= 0x20) end -= 1;
  return { start, end };
}
