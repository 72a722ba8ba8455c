import * as v from "valibot";
import { parseBoundedJson } from "../bounded-json.ts";
import { SourceUnreadable } from "../source.ts";

const JSON_VALUES_MAX = 100_000;
const LINE_CHARS_MAX = 64_000;

/** An item as a command prints it. */
export interface Printed {
  title: string;
  link?: string | undefined;
  text?: string | undefined;
  id?: string | undefined;
  date?: string | number | undefined;
}

const word = v.pipe(
  v.nullish(v.union([v.string(), v.number()])),
  v.transform((value) => (value === null || value === undefined || value === "" ? undefined : String(value))),
);
const WRITE = "an item has title, link, text, id and date, all texts, and at least a title, a text or a link";
const schema = v.pipe(
  v.object({ title: word, link: word, text: word, id: word, date: word }),
  v.check(({ title, link, text }) => (title ?? link ?? text) !== undefined, WRITE),
  v.transform(({ title = "", ...rest }): Printed => ({ title, ...rest })),
);

/**
 * The items of an output: an array of JSON, a value of JSON a line, or plain lines. Empty lines are none.
 * @throws SourceUnreadable for JSON that is cut off, or has no items.
 */
export function readPrinted(output: string): Printed[] {
  const text = output.trim();
  if (/^\[\s*(?:[{\]"])/.test(text)) return readArray(text);
  const lines = text
    .split("\n")
    .map((line) => line.trim().slice(0, LINE_CHARS_MAX))
    .filter((line) => line !== "");
  const isJson = lines.length > 0 && lines.every((line) => line.startsWith("{"));
  return lines.map((line) => (isJson ? readOne(parse(line, "a line")) : { title: line, text: line }));
}

function readArray(text: string): Printed[] {
  const array = parse(text, "the output");
  if (!Array.isArray(array)) throw new SourceUnreadable("its output begins as a list of JSON and is none");
  return array.map(readOne);
}

function readOne(value: unknown): Printed {
  if (typeof value === "string") return { title: value, text: value };
  const read = v.safeParse(schema, value, { abortEarly: true });
  if (read.success) return read.output;
  const [issue] = read.issues;
  throw new SourceUnreadable(
    `its output has an item that is none, at ${v.getDotPath(issue) ?? "the top"}: ${issue.message}`,
  );
}

function parse(text: string, what: string): unknown {
  try {
    return parseBoundedJson(text, JSON_VALUES_MAX);
  } catch (error) {
    if (error instanceof SourceUnreadable) throw error;
    throw new SourceUnreadable(
      `${what} begins as JSON and is none: it is cut off, or something else was printed too`,
      { cause: error },
    );
  }
}
