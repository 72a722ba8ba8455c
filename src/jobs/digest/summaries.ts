import { oneLine } from "../../lib/text.ts";
import type { Completion, ModelRequest } from "../../providers/types.ts";
import type { Item } from "../items/item.ts";
import type { JobContext } from "../job.ts";
import { EXTRACTIVE, type Summary } from "./document/document.ts";
import { itemRequest, leadRequest } from "./prompt.ts";

const SUMMARY_CHARS_MAX = 600;
const SENTENCES = 2;

type Context = Pick<JobContext<{ language: string | null }>, "complete" | "settings" | "log" | "redact">;

/**
 * Two sentences about an item; null where its source gives nothing but a title. `asked` has the items that models were asked about in
 * this run, by what they were asked: the same is not asked again, which would cost as much each time, and be taken for a loop.
 */
export async function summariseItem(
  context: Context,
  item: Item,
  asked: Map<string, Item>,
): Promise<Summary | null> {
  if (item.text === "") return null;
  const request = itemRequest(item, context.settings.language);
  const words = JSON.stringify(request.messages);
  const first = asked.get(words) ?? item;
  asked.set(words, first);
  const source = [item.title, item.text, item.link ?? ""].join("\n");
  return await summarise(context, `item:${first.key}`, request, { source, text: item.text });
}

/** The opening, from the summaries in the order in which they are printed; null where there are none. */
export async function writeLead(context: Context, summaries: Summary[]): Promise<Summary | null> {
  if (summaries.length === 0) return null;
  const texts = summaries.map(({ text }) => text);
  const request = leadRequest(texts, context.settings.language);
  return await summarise(context, "lead", request, { source: texts.join("\n"), text: texts.join("\n\n") });
}

/** `source` is all that the model was given to read, `text` what sentences are picked from when its own are refused. */
async function summarise(
  context: Context,
  name: string,
  request: ModelRequest,
  { source, text }: { source: string; text: string },
): Promise<Summary> {
  const completion = await context.complete(name, request);
  const summary = toSummary(completion);
  if (completion.model === EXTRACTIVE) return summary;
  const refused = await whyRefused(completion, request, source, context.settings.language);
  if (refused === null) return summary;
  const reason = oneLine(refused, REASON_CHARS_MAX);
  context.log.event("warn", "summary_refused", { step: name, model: completion.model, reason });
  const { summarise: pick } = await import("../../lib/summarise.ts");
  return {
    ...summary,
    text: oneLine(pick(text, SENTENCES), SUMMARY_CHARS_MAX),
    truncated: false,
    refused: reason,
  };
}

const REASON_CHARS_MAX = 160;

async function whyRefused(
  completion: Completion,
  request: ModelRequest,
  source: string,
  language: string | null,
): Promise<string | null> {
  if (oneLine(completion.text, SUMMARY_CHARS_MAX) === "") return "it said nothing";
  const instructions = request.messages.find(({ role }) => role === "system")?.content ?? "";
  // Loaded when a model has written something: its tables of languages are large, and most commands need none.
  const { faultOf } = await import("./fidelity/check.ts");
  return faultOf(completion.text, { source, instructions, language });
}

/** What a model says is as little to be trusted as what it read. */
function toSummary(completion: Completion): Summary {
  return {
    text: oneLine(completion.text, SUMMARY_CHARS_MAX),
    model: oneLine(completion.model, 100),
    degraded: completion.degraded,
    ...(completion.truncated ? { truncated: true } : {}),
  };
}
