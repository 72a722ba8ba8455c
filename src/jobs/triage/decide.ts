import { secretBytes } from "../../lib/ids.ts";
import { oneLine } from "../../lib/text.ts";
import type { Completion } from "../../providers/types.ts";
import { EXTRACTIVE } from "../digest/document/document.ts";
import type { Item } from "../items/item.ts";
import type { JobContext } from "../job.ts";
import { readAnswer, type Verdict } from "./answer.ts";
import { itemRequest, sourceText } from "./prompt.ts";
import type { TriageSettings } from "./settings.ts";

const REASON_CHARS_MAX = 200;
const BOUNDARY_BYTES = 8;

/** What came of an item: what a model said of it, or why nothing is known. */
export type Decision =
  | {
      type: "decided";
      verdict: Verdict;
      model: string;
      degraded: boolean;
      /** Why the model's own reason is not repeated; null where it is. */
      whyRefused: string | null;
    }
  | { type: "undecided"; reason: string };

type Context = Pick<JobContext<TriageSettings>, "complete" | "settings" | "log">;

/**
 * Asks for an item's label, and once more where the answer is none. Each is a step, so that a crash buys neither twice; what is
 * read and checked comes out the same again.
 */
export async function decide(context: Context, item: Item): Promise<Decision> {
  const { settings } = context;
  const source = sourceText(item);
  const boundary = secretBytes(BOUNDARY_BYTES).toString("hex");
  let refusal: string | null = null;
  for (const step of [`item:${item.key}`, `again:${item.key}`]) {
    const completion: Completion = await context.complete(
      step,
      itemRequest(item, settings, { boundary, refusal }),
    );
    if (completion.model === EXTRACTIVE)
      return { type: "undecided", reason: "no model answered that can sort" };
    const found: Awaited<ReturnType<typeof check>> = await check(completion, settings, source);
    if ("verdict" in found) return { type: "decided", ...found };
    ({ refusal } = found);
    context.log.event("warn", "answer_refused", { step, model: completion.model, reason: refusal });
  }
  return { type: "undecided", reason: `no answer by the schema: ${refusal}` };
}

async function check(
  { text, truncated, model, degraded }: Completion,
  settings: TriageSettings,
  source: string,
) {
  if (truncated === true) return { refusal: "it was cut off at the token limit" };
  const found = readAnswer(text, settings, source);
  if ("refusal" in found) return found;
  // Loaded when a model has written something: its tables of languages are large.
  const { faultOf } = await import("../digest/fidelity/check.ts");
  const { why, answer } = found.verdict;
  // What the owner wrote may be repeated as well as what the item says.
  const basis = { source: [source, ownWords(settings)].join("\n"), instructions: "", language: null };
  const fault = answer === null ? null : faultOf(answer, basis);
  if (fault !== null) return { refusal: oneLine(`answer: ${withoutQuotes(fault)}`, REASON_CHARS_MAX) };
  const whyFault = faultOf(why, basis);
  const whyRefused = whyFault === null ? null : oneLine(whyFault, REASON_CHARS_MAX);
  return { verdict: found.verdict, model: oneLine(model, 100), degraded, whyRefused };
}

/** The fault without what the answer said: it goes into a prompt, and its words are from outside. */
function withoutQuotes(fault: string): string {
  return fault
    .replace(/^it named .*, which the text does not$/s, "it named something that the item does not")
    .replace(/^it said .*, where the text says .*$/s, "it said a number with another unit than the item");
}

function ownWords({ labels, instructions, fields }: TriageSettings): string {
  const described = Object.entries(fields).map(([name, { description }]) => `${name}: ${description}`);
  return [...Object.entries(labels).flat(), ...described, instructions ?? ""].join("\n");
}
