import * as v from "valibot";
import { didYouMean } from "../../lib/nearest.ts";
import { PLAIN_LINE } from "../../lib/text.ts";
import { PermanentFailure } from "../../queue/job.ts";
import type { Action } from "./action.ts";
import { actions } from "./registry.ts";

/** Of a draft's content as JSON. */
const CONTENT_LENGTH_MAX = 256 * 1024;
const ISSUES_SHOWN = 5;
/** UTF-16 units of a draft's name. */
export const DRAFT_NAME_CHARS_MAX = 150;

/** Whether a draft can be called so: on one line, for a person to read. */
export function isDraftName(name: string): boolean {
  return name !== "" && name.length <= DRAFT_NAME_CHARS_MAX && PLAIN_LINE.test(name);
}

/**
 * Finds a draft's action and parses its content, given as the JSON that is kept.
 * @throws PermanentFailure `bad_draft` for an action that does not exist and content that its schema refuses. The message
 *   names where in the content, but repeats none of it: it goes into logs and alerts.
 */
export function readDraft(name: string, json: string): { action: Action; content: unknown } {
  const action = actions.find((candidate) => candidate.action === name);
  if (action === undefined) {
    const names = actions.map((each) => each.action);
    const message = `no action is named ${JSON.stringify(name.slice(0, 80))}. ${didYouMean(name, names)}`;
    throw new PermanentFailure("bad_draft", message);
  }
  if (json.length > CONTENT_LENGTH_MAX)
    throw new PermanentFailure("bad_draft", `the draft is longer than ${CONTENT_LENGTH_MAX} characters`);
  const parsed = v.safeParse(action.content, JSON.parse(json));
  if (parsed.success) return { action, content: parsed.output };
  const issues = parsed.issues
    .slice(0, ISSUES_SHOWN)
    .map((issue) => `${JSON.stringify((v.getDotPath(issue) ?? "content").slice(0, 80))}: ${issue.message}`);
  throw new PermanentFailure("bad_draft", `the draft of ${name} was refused: ${issues.join("; ")}`);
}

/** What a job hands over, as the JSON that is kept. Throws PermanentFailure for what JSON cannot say. */
export function writeContent(content: unknown): string {
  let json: string | undefined;
  try {
    json = JSON.stringify(content);
  } catch (error) {
    throw new PermanentFailure("bad_draft", "the content of a draft must be JSON", { cause: error });
  }
  if (json === undefined) throw new PermanentFailure("bad_draft", "a draft has no content");
  return json;
}
