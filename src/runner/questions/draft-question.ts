import { DAY_MS } from "../../lib/durations.ts";
import type { Redact } from "../../lib/redact.ts";
import { clip, oneLine } from "../../lib/text.ts";
import type { Trx } from "../../store/schema.ts";
import { ask } from "./question.ts";

/** Somebody who is asked for longer has another look at the keyboard. */
const ANSWER_MS = DAY_MS;
/** What a phone shows at a glance; the whole is in `afk drafts show`. */
const LINE_CHARS_MAX = 300;
const CONTENT_CHARS_MAX = 1_200;
const DEPTH_MAX = 3;

/** A draft as its question tells of it. */
interface AskedDraft {
  id: string;
  job: string;
  name: string;
  action: string;
  content: unknown;
}

/** Asks whether a draft is done, in the section that writes it down. */
export async function askAboutDraft(
  trx: Trx,
  { id, job, name, action, content }: AskedDraft,
  redact: Redact,
  nowMs: number,
): Promise<void> {
  const shown = redact(linesOf(content, "> ").join("\n"));
  const message = `${job} asks to do "${action}": ${oneLine(redact(name), LINE_CHARS_MAX)}\n${clip(shown, CONTENT_CHARS_MAX)}`;
  const question = { kind: "draft", subject: id, job, message, detail: "{}" } as const;
  await ask(trx, { ...question, expires_at: nowMs + ANSWER_MS }, nowMs);
}

/** Every line is marked as quoted, so that no text of a job looks like one of afk's own. */
function linesOf(content: unknown, indent: string, depth = 0): string[] {
  const isNested = content !== null && typeof content === "object";
  if (!isNested) return [`${indent}${oneLine(String(content), LINE_CHARS_MAX)}`];
  if (depth === DEPTH_MAX) return [`${indent}${oneLine(JSON.stringify(content), LINE_CHARS_MAX)}`];
  return Object.entries(content).flatMap(([key, value]) => {
    const name = `${indent}${oneLine(key, LINE_CHARS_MAX)}:`;
    return value !== null && typeof value === "object"
      ? [name, ...linesOf(value, `${indent}  `, depth + 1)]
      : [`${name} ${oneLine(String(value), LINE_CHARS_MAX)}`];
  });
}
