import type { ReportItem } from "../report.ts";
import { headlineOf, type Result } from "../result.ts";

/** How a service writes text. What these make of a text holds no markup of the text's own. */
export interface Markup {
  escape(text: string): string;
  bold(escaped: string): string;
  /** A title that leads somewhere. */
  link(escaped: string, address: string): string;
}

/** Messages that one result may take; what is beyond is in its files. */
const MESSAGES_MAX = 20;
const GAP = "\n\n";

/**
 * A result as texts of one message each, at most `max` UTF-16 units: the headline and the opening, then each item as a whole, its
 * section's heading before the first, then the notes. An item that is too long for a message loses the end of its text.
 */
export function messagesOf(result: Result, markup: Markup, max: number): string[] {
  const messages = pack(blocksOf(result, markup, max), max);
  return limited(messages, result, (rest) => fitted(rest, markup, max));
}

/** The blocks that stay whole, in order, each at most `max` units long. */
export function blocksOf(result: Result, markup: Markup, max: number): string[] {
  const { report } = result;
  const title = markup.bold(fitted(headlineOf(result), markup, max - markup.bold("").length));
  const blocks = [title, ...split(report.text, markup, max)];
  if (report.counts !== null) blocks.push(fitted(report.counts, markup, max));
  for (const { heading, items } of report.sections) {
    const head = heading === null ? "" : `${markup.bold(fitted(heading, markup, max / 4))}\n`;
    for (const [index, item] of items.entries()) {
      const lead = index === 0 ? head : "";
      blocks.push(`${lead}${itemBlock(item, markup, max - lead.length)}`);
    }
  }
  blocks.push(...report.notes.map((note) => fitted(note, markup, max)));
  blocks.push(...lastLines(result).map((line) => fitted(line, markup, max)));
  return blocks.filter((block) => block !== "");
}

/** `Harbour Works, 2026-11-29 · k7f3qd`: whose an item is and when, and what `afk rate` takes. */
export function bylineWithId({ byline, id }: Pick<ReportItem, "byline" | "id">): string {
  return [byline, ...(id === null ? [] : [id])].filter((part) => part !== "").join(" · ");
}

/** `Files: a.md, a.html`; null without any. */
function filesLine({ report: { files } }: Pick<Result, "report">): string | null {
  return files.length === 0 ? null : `Files: ${files.join(", ")}`;
}

/** What stands at the end: how an item is rated, by the example of the first, and which files there are. */
export function lastLines(result: Pick<Result, "report">): string[] {
  const first = result.report.sections.flatMap(({ items }) => items).find(({ id }) => id !== null);
  const rate = first === undefined ? null : `To rate an item: afk rate ${first.id} up, or down.`;
  return [rate, filesLine(result)].filter((line) => line !== null);
}

/** Blocks joined into messages of at most `max` units. */
export function pack(blocks: readonly string[], max: number): string[] {
  const messages: string[] = [];
  let open: string | null = null;
  for (const block of blocks) {
    const joined: string = open === null ? block : `${open}${GAP}${block}`;
    if (open !== null && joined.length > max) {
      messages.push(open);
      open = block;
    } else open = joined;
  }
  return open === null ? messages : [...messages, open];
}

/** An item by its title, with the link, whose and when, its text, and what is remarked on it. */
function itemBlock(item: ReportItem, markup: Markup, max: number): string {
  const whole = (text: string, link: string | null, isBrief: boolean) => {
    const title = markup.escape(item.title);
    const lines = [
      markup.bold(link === null ? title : markup.link(title, link)),
      markup.escape(bylineWithId(item)),
      text,
      item.remark === null || isBrief ? "" : markup.escape(`(${item.remark})`),
    ];
    return lines.filter((line) => line !== "").join("\n");
  };
  const room = max - whole("", item.link, false).length - 1;
  if (room > 0) return whole(fitted(item.text, markup, room), item.link, false);
  // A link of thousands of characters: the title says what it was.
  const rest = max - whole("", null, true).length - 1;
  return rest > 0 ? whole(fitted(item.text, markup, rest), null, true) : fitted(item.title, markup, max);
}

/** The escaped text, at most `max` units long; what was cut ends in an ellipsis. Never half a character, or half an escape. */
export function fitted(text: string, markup: Pick<Markup, "escape">, max: number): string {
  const whole = markup.escape(text);
  if (whole.length <= max) return whole;
  let [low, high] = [0, text.length];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (cutAt(text, middle, markup).length <= max) low = middle;
    else high = middle - 1;
  }
  return low === 0 ? "" : cutAt(text, low, markup);
}

function cutAt(text: string, length: number, markup: Pick<Markup, "escape">): string {
  const start = text.slice(0, length).replace(/[\uD800-\uDBFF]$/, "");
  return `${markup.escape(start.trimEnd())}…`;
}

/** A long text in pieces of at most `max` escaped units, at the ends of lines where there are any. */
function split(text: string, markup: Markup, max: number): string[] {
  const pieces: string[] = [];
  let open = "";
  for (const line of text === "" ? [] : text.split("\n")) {
    // A single line that fits no message loses its end.
    const piece = fitted(line, markup, max);
    if (open !== "" && open.length + 1 + piece.length > max) {
      pieces.push(open);
      open = piece;
    } else open = open === "" ? piece : `${open}\n${piece}`;
  }
  return [...pieces, open].filter((piece) => piece.trim() !== "");
}

/** The last of too many messages says where the rest is; `write` makes a message of that. */
export function limited<Message>(
  messages: Message[],
  result: Result,
  write: (rest: string) => Message,
): Message[] {
  if (messages.length <= MESSAGES_MAX) return messages;
  const where = filesLine(result) ?? `Look: afk jobs show ${result.run}`;
  const rest = write(`The rest did not fit in ${MESSAGES_MAX} messages. ${where}`);
  return [...messages.slice(0, MESSAGES_MAX - 1), rest];
}
