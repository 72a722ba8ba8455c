import { tokensMax } from "../../../providers/estimate.ts";
import { isRecord } from "../../../providers/reply-json.ts";
import { Forbidden } from "../forbidden.ts";
import type { AskedModel, Bound, CallBody, CallRules } from "../protocol.ts";
import { addContent, type Content, noContent, refuseAudio } from "./content.ts";
import { boundOf, inputOfPass, windowOf } from "./cost.ts";
import { hasUnknownKey, KNOWN_KEYS, refuseKeys } from "./keys.ts";
import { chatLimit, generationsIn, usagePins } from "./limits.ts";
import { tierOf } from "./tier.ts";
import { serverTools } from "./tools.ts";

/** What a chat completion can cost at most. @throws Forbidden */
export function boundChat(body: CallBody, model: AskedModel, rules: CallRules): Bound {
  const { said } = body;
  const searches = searchesOf(model, rules);
  refuseKeys(said, model, searches > 0 ? ["web_search_options"] : []);
  if (serverTools(said.tools, "tools", model, rules).size > 0) {
    throw new Forbidden(
      "tools",
      `Nothing bounds how often a chat on ${model.reference} uses a tool that runs at the provider, so the request was not sent; leave it out, or use /v1/responses.`,
    );
  }
  const content = contentOf(said.messages, model);
  const inputTokens = searches > 0 ? windowOf("model", model) : inputOfPass(body, content, model);
  const limit = chatLimit(said, inputTokens, model, rules);
  const { tier, pins } = tierOf(said, model, rules);
  const usage = usagePins(said, model);
  const generations = generationsIn(said, model);
  return boundOf(
    {
      inputTokens,
      passes: 1 + searches,
      outputTokens: generations * (limit.tokens + rejectedTokens(said, model)),
      tier,
      tools: searches > 0 ? { web_search: searches } : {},
      hasUnknownKeys: hasUnknownKey(said, KNOWN_KEYS.chat),
      pins: { ...limit.pins, ...pins, ...usage.pins },
      hidesUsage: usage.hidesUsage,
    },
    body,
    model,
  );
}

/** What a reply was predicted to be is billed as output where it was not, and OpenAI keeps it out of the limit. */
function rejectedTokens({ prediction }: CallBody["said"], model: AskedModel): number {
  if ((prediction ?? null) === null || model.isFree) return 0;
  return tokensMax(JSON.stringify(prediction), 1);
}

/** OpenAI's models that search once before they answer, whatever the request says. */
const SEARCH_MODEL = /-search(-|$)/;

/** Whether a model searches the web without being asked to. */
export function isSearchModel(model: string): boolean {
  return SEARCH_MODEL.test(model);
}

function searchesOf(model: AskedModel, rules: CallRules): number {
  if (model.isFree || !isSearchModel(model.model)) return 0;
  if (rules.allow.has("web_search") && Object.hasOwn(model.price.tools ?? {}, "web_search")) return 1;
  throw new Forbidden(
    "model",
    rules.allow.has("web_search")
      ? `${model.reference} searches the web, and the price of a search is not known, so the request has no bound; use another model.`
      : `${model.reference} searches the web at a price of its own, and this client may not; use another model, or add web_search to the client's allow in afk.yaml.`,
  );
}

function contentOf(messages: unknown, model: AskedModel): Content {
  const content = noContent();
  if (!Array.isArray(messages)) {
    if (messages !== undefined && messages !== null && typeof messages !== "string" && !model.isFree)
      throw new Forbidden(
        "messages",
        `"messages" is no list, so the request was not sent; send a list of messages.`,
      );
    return content;
  }
  messages.forEach((message, index) => {
    content.messages += 1;
    if (!isRecord(message)) return;
    // What the model said aloud earlier lies at the provider.
    if (isRecord(message.audio)) refuseAudio(`messages[${index}].audio`, model);
    addContent(content, message.content, `messages[${index}].content`, model);
  });
  return content;
}
