import * as v from "valibot";
import { list, section, text } from "../../config/fields.ts";
import { parseDate } from "../../lib/dates.ts";
import { unknownAddress } from "../digest/fidelity/manner.ts";

/** UTF-16 units of a field of text. */
export const FIELD_CHARS_MAX = 200;
/** What is larger is no number that a mail or an issue speaks of. */
const NUMBER_MAX = 1e12;
const TYPES = ["text", "number", "date", "choice"] as const;

const WRITE_OPTIONS =
  "write a list of 2 to 20 options, each at most 60 characters, for example [invoice, receipt]";

/** An entry of `fields`. */
export const fieldSettings = v.pipe(
  section("One thing to read out of each item.", {
    description: text(
      "What it is, in words for the model.",
      "write what the field is, at most 300 characters",
      /^[^\n]*\S[^\n]*$/,
      300,
    ),
    type: v.optional(
      v.pipe(
        v.picklist(TYPES, `write one of ${TYPES.join(", ")}`),
        v.description(
          "What its value is: text on one line, a number, a day (2026-11-29), or one of the options.",
        ),
      ),
      "text",
    ),
    options: v.optional(
      list(
        "What a choice can be.",
        WRITE_OPTIONS,
        text("An option.", WRITE_OPTIONS, /^[^\n]*\S[^\n]*$/, 60),
        20,
      ),
    ),
  }),
  v.check(
    ({ type, options }) => (type === "choice") === (options !== undefined),
    "write options together with type: choice, and with no other type",
  ),
);

/** One thing that is read out of each item. */
export type FieldSettings = v.InferOutput<typeof fieldSettings>;

/** The value of a field; null where the item does not say. */
export type FieldValue = string | number | null;

/** The JSON schema of a field, for the prompt. */
export function fieldJsonSchema({ description, type, options }: FieldSettings): object {
  switch (type) {
    case "text":
      return { type: ["string", "null"], maxLength: FIELD_CHARS_MAX, description };
    case "number":
      return { type: ["number", "null"], description };
    case "date":
      return { type: ["string", "null"], pattern: "^[0-9]{4}-[0-9]{2}-[0-9]{2}$", description };
    case "choice":
      return { enum: [...(options ?? []), null], description };
  }
}

/** What a field may be in an answer about an item of this text. Messages say what is wrong, and repeat nothing of the answer. */
export function fieldSchema(
  { type, options }: FieldSettings,
  source: string,
): v.GenericSchema<unknown, FieldValue> {
  switch (type) {
    case "text":
      return v.nullable(textField(source));
    case "number": {
      const write = "it must be a number or null";
      return v.nullable(
        v.pipe(v.number(write), v.minValue(-NUMBER_MAX, write), v.maxValue(NUMBER_MAX, write)),
      );
    }
    case "date": {
      const write = "it must be a day such as 2026-11-29, or null";
      return v.nullable(
        v.pipe(v.string(write), v.regex(/^\d{4}-\d{2}-\d{2}$/, write), v.check(isDay, write)),
      );
    }
    case "choice": {
      const write = "it must be one of its options, or null";
      return v.nullable(v.picklist(options ?? [], write));
    }
  }
}

function textField(source: string) {
  return v.pipe(
    v.string("it must be a text or null"),
    v.maxLength(FIELD_CHARS_MAX, `it must have at most ${FIELD_CHARS_MAX} characters`),
    v.regex(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]*$/u, "it must be plain text on one line"),
    v.check(
      (value) => unknownAddress(value, source) === null,
      "it must not hold an address that is not in the item",
    ),
  );
}

function isDay(text: string): boolean {
  const ms = parseDate(text);
  return ms !== null && new Date(ms).toISOString().startsWith(text);
}
