import * as v from "valibot";
import { headAndTail } from "../programs/output.ts";

/** What Claude Code prints last with `--output-format json` or `stream-json`. */
const claudeResult = v.object({
  type: v.literal("result"),
  is_error: v.optional(v.boolean(), false),
  result: v.optional(v.string(), ""),
});

/** In UTF-16 units; more is no last message, but a document. */
const CHARS_MAX = 64 * 1024;

/** The last thing that an agent said, and whether it says of itself that it failed. */
export interface LastMessage {
  text: string;
  isError: boolean;
}

/**
 * Finds what an agent said last: in the file that it was told to write (`{last_message}`), in the JSON that Claude Code prints, or
 * at the end of its output.
 */
export function lastMessage(stdout: string, file: string | null): LastMessage {
  if (file !== null && file.trim() !== "") return { text: file.trim(), isError: false };
  const result = resultIn(stdout);
  if (result !== null) return { text: result.result.trim().slice(0, CHARS_MAX), isError: result.is_error };
  return { text: headAndTail(stdout, (text) => text), isError: false };
}

function resultIn(stdout: string): v.InferOutput<typeof claudeResult> | null {
  const whole = stdout.trim();
  const lastLine = whole.slice(whole.lastIndexOf("\n") + 1);
  for (const text of [whole, lastLine]) {
    const parsed = v.safeParse(claudeResult, lastOf(jsonOrNull(text)));
    if (parsed.success) return parsed.output;
  }
  return null;
}

/** With `--verbose` it prints a list of all that happened. */
function lastOf(value: unknown): unknown {
  return Array.isArray(value) ? value.at(-1) : value;
}

function jsonOrNull(text: string): unknown {
  if (!/^[[{]/.test(text)) return null;
  try {
    return JSON.parse(text);
  } catch {
    // Output that merely begins like JSON is text as any other.
    return null;
  }
}
