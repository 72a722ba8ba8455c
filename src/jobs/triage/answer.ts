import * as v from "valibot";
import { oneLine } from "../../lib/text.ts";
import { type FieldValue, fieldSchema } from "./fields.ts";
import { rulesFor, wantsAnswer } from "./rules.ts";
import type { TriageSettings } from "./settings.ts";

/** UTF-16 units. */
export const WHY_CHARS_MAX = 300;
export const ANSWER_CHARS_MAX = 1_500;
/** No answer by the schema is longer. */
const REPLY_CHARS_MAX = 16_000;
const ISSUES_SAID = 3;

/** What a model said of an item, checked: one of the labels, fields within their bounds. */
export interface Verdict {
  label: string;
  /** 1 is the most urgent; null where none is asked for. */
  priority: number | null;
  why: string;
  fields: Record<string, FieldValue>;
  /** What a draft for this label needs of the model; null where none does. */
  answer: string | null;
}

/**
 * Reads the answer about an item; `source` is all that the model was given to read of it. What is wrong with one is said in
 * words of ours, and repeats nothing of it but names of the schema.
 */
export function readAnswer(
  reply: string,
  settings: TriageSettings,
  source: string,
): { verdict: Verdict } | { refusal: string } {
  const json = parseReply(reply);
  if (json === undefined) return { refusal: "it is not one JSON object" };
  const parsed = v.safeParse(answerSchema(settings, source), json);
  if (!parsed.success) return { refusal: describe(parsed.issues, settings) };
  const { label, priority = null, why, fields = {}, answer = null } = parsed.output;
  const isWanted = rulesFor(settings.rules, label, priority).some(wantsAnswer);
  if (isWanted && answer === null) return { refusal: `answer: it must be a text for the label ${label}` };
  return {
    verdict: { label, priority, why: oneLine(why, WHY_CHARS_MAX), fields, answer: isWanted ? answer : null },
  };
}

/** One object, also within a block of code or after words; undefined for all else. */
function parseReply(reply: string): unknown {
  const object = reply.slice(reply.indexOf("{"), reply.lastIndexOf("}") + 1);
  if (object === "" || reply.length > REPLY_CHARS_MAX) return undefined;
  try {
    return JSON.parse(object);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function answerSchema({ labels, fields, priority, rules }: TriageSettings, source: string) {
  const absent = v.optional(v.never("it must not be there"));
  const isPriority = "it must be a whole number from 1 to 5";
  const isText = "it must be a text";
  const ofFields = Object.entries(fields).map(([name, field]) => [name, fieldSchema(field, source)] as const);
  return v.strictObject({
    label: v.picklist(Object.keys(labels), "it must be one of the labels"),
    priority: priority
      ? v.pipe(
          v.number(isPriority),
          v.integer(isPriority),
          v.minValue(1, isPriority),
          v.maxValue(5, isPriority),
        )
      : absent,
    why: v.pipe(v.string(isText), v.regex(/\S/, "it must say something")),
    fields: ofFields.length > 0 ? v.strictObject(Object.fromEntries(ofFields)) : absent,
    answer: rules.some(wantsAnswer) ? v.nullable(answerText()) : absent,
  });
}

function answerText() {
  const write = `it must be a text of at most ${ANSWER_CHARS_MAX} characters`;
  return v.pipe(
    v.string(write),
    v.maxLength(ANSWER_CHARS_MAX, write),
    v.regex(/\S/, "it must say something"),
  );
}

/** Keys that the schema does not have are not named: they are words from outside. */
function describe(issues: readonly v.BaseIssue<unknown>[], { fields }: TriageSettings): string {
  const known = new Set(["label", "priority", "why", "fields", "answer", ...Object.keys(fields)]);
  const said = issues.slice(0, ISSUES_SAID).map((issue) => {
    const keys = (issue.path ?? []).map(({ key }) => String(key));
    if (keys.some((key) => !known.has(key))) return "it has a key that the schema does not have";
    const message = issue.type === "strict_object" ? "it is missing, or no object" : issue.message;
    return `${keys.join(".") || "the answer"}: ${message}`;
  });
  return [...new Set(said)].join("; ");
}
