import { isRecord } from "../../../providers/reply-json.ts";
import { Forbidden } from "../forbidden.ts";
import type { AskedModel, Bound, CallBody, CallRules } from "../protocol.ts";
import { addElsewhere, noContent } from "./content.ts";
import { boundOf, inputOfPass, windowOf } from "./cost.ts";
import { addItems } from "./items.ts";
import { hasUnknownKey, KNOWN_KEYS, refuseKeys } from "./keys.ts";
import { countIn, generationsIn, responseLimit } from "./limits.ts";
import { tierOf } from "./tier.ts";
import { serverTools } from "./tools.ts";

/** Sent where tools run at the provider, and the client does not say how often they may. */
const TOOL_CALLS_MAX = 5;

/** What a response can cost at most. @throws Forbidden */
export function boundResponse(body: CallBody, model: AskedModel, rules: CallRules): Bound {
  const { said } = body;
  refuseKeys(said, model);
  const content = noContent();
  for (const key of ["previous_response_id", "conversation"]) {
    if ((said[key] ?? null) !== null) addElsewhere(content, key);
  }
  addItems(content, said.input, "input", model);
  const tools = serverTools(said.tools, "tools", model, rules);
  for (const { at, tools: more } of content.tools) {
    for (const name of serverTools(more, at, model, rules)) tools.add(name);
  }
  const uses = usesOf(said, tools.size > 0, model);
  const inputTokens = tools.size > 0 ? windowOf("tools", model) : inputOfPass(body, content, model);
  const { tokens: limit, pins: limits } = responseLimit(said, inputTokens, model, rules);
  const { tier, pins } = tierOf(said, model, rules);
  const isCompacted = content.isCompacted || isCompacting(said.context_management, model);
  return boundOf(
    {
      inputTokens,
      // What a tool finds is input of a pass of its own; making the conversation shorter is one more, with output of its own.
      passes: 1 + uses.most + (isCompacted ? 1 : 0),
      // It has no `n`, but a server that reads it all the same may.
      outputTokens: generationsIn(said, model) * (isCompacted ? 2 * limit : limit),
      tier,
      tools: Object.fromEntries([...tools].map((name) => [name, uses.most])),
      hasUnknownKeys: hasUnknownKey(said, KNOWN_KEYS.responses),
      pins: { ...limits, ...uses.pins, ...pins },
      hidesUsage: false,
    },
    body,
    model,
  );
}

function usesOf(
  said: CallBody["said"],
  hasServerTools: boolean,
  model: AskedModel,
): { most: number; pins: Record<string, number> } {
  if (!hasServerTools) return { most: 0, pins: {} };
  const given = countIn(said, "max_tool_calls", model);
  return given === null
    ? { most: TOOL_CALLS_MAX, pins: { max_tool_calls: TOOL_CALLS_MAX } }
    : { most: given, pins: {} };
}

/** @throws Forbidden for edits of the conversation whose cost is not known */
function isCompacting(edits: unknown, model: AskedModel): boolean {
  if (edits === undefined || edits === null) return false;
  const list = Array.isArray(edits) ? edits : [edits];
  const other = list.findIndex((edit) => !isRecord(edit) || edit.type !== "compaction");
  if (other !== -1 && !model.isFree) {
    throw new Forbidden(
      `context_management[${other}]`,
      `What context_management[${other}] can cost on ${model.reference} is not known, so the request was not sent; leave it out.`,
    );
  }
  return list.length > 0;
}
