import { formatRelative } from "../../lib/duration-text.ts";
import { shortId } from "../../lib/ids.ts";
import { plural } from "../../lib/text.ts";
import { momentText } from "../../lib/zone.ts";
import type { DeadLetter } from "../../queue/dead-letters.ts";
import { fieldLines } from "../draft-lines.ts";
import { oneLine, terminalColumns } from "../output.ts";
import { COLUMNS } from "../text.ts";

const KEYS_SHOWN = 5;
const STEPS_SHOWN = 10;

/** A dead letter as people read it: what it died of first, and what to do last. */
export function deadLetterLines(
  letter: DeadLetter & { keys: readonly string[] },
  { timezone, nowMs }: { timezone: string; nowMs: number },
): string[] {
  const { name, kind, error, runs, attempts, died_at: diedAt, payload, keys } = letter;
  const { steps, tick } = traceOf(letter);
  const word = shortId(letter.job_id);
  const more = (shown: number, all: number) => (all > shown ? ` and ${all - shown} more` : "");
  return fieldLines(
    [
      ["job", `${name}, kind ${kind}`],
      [
        "died",
        `${momentText(diedAt, timezone)} (${formatRelative(diedAt, nowMs)}), after ${plural(attempts, "try", "tries")}`,
      ],
      ["error", oneLine(error)],
      ["runs", `${keys.slice(0, KEYS_SHOWN).join(", ")}${more(KEYS_SHOWN, runs)}`],
      ["payload", payload === "null" ? null : payload],
      [
        "steps",
        steps.length === 0
          ? null
          : `${steps.slice(0, STEPS_SHOWN).join(", ")}${more(STEPS_SHOWN, steps.length)}`,
      ],
      ["trace", tick === null ? `afk logs --job ${word}` : `afk logs --tick ${tick}`],
      ["try again", `afk dead retry ${word}`],
      ["give up", `afk dead drop ${word}`],
    ],
    terminalColumns() ?? COLUMNS,
  );
}

/** What a dead letter's trace holds (queue/dead-letter.ts). */
function traceOf({ trace }: DeadLetter): { steps: string[]; tick: string | null } {
  const { steps, tick } = JSON.parse(trace) as { steps?: unknown; tick?: unknown };
  return {
    steps: Array.isArray(steps) ? steps.filter((step) => typeof step === "string") : [],
    tick: typeof tick === "string" ? tick : null,
  };
}
