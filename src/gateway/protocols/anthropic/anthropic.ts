import { json, MODELS_PATH, namedModel } from "../own-answers.ts";
import { type CallRoute, type ListedModel, NO_COST, type OwnRoute, type Protocol } from "../protocol.ts";
import { boundMessages } from "./bound.ts";
import { endMessageStream, refuseMessages } from "./refusals.ts";
import { messageFigures, messageReader } from "./stream.ts";

/** Clients differ about whether the address that they are given has the version in it. */
const BASES = ["/v1", "/v1/v1", ""];

const shared = {
  type: "call",
  protocol: "anthropic",
  method: "POST",
  framing: "sse",
  reader: messageReader,
  streamError: endMessageStream,
} as const;

/** POST /v1/messages (https://platform.claude.com/docs/en/api/messages). */
const messages = (base: string): CallRoute => ({
  ...shared,
  path: `${base}/messages`,
  upstreamPath: () => "/v1/messages",
  isFree: false,
  isStreamed: ({ stream }) => stream === true,
  bound: boundMessages,
  figures: messageFigures,
});

/** POST /v1/messages/count_tokens (https://platform.claude.com/docs/en/api/messages-count-tokens) is free of charge. */
const countTokens = (base: string): CallRoute => ({
  ...shared,
  path: `${base}/messages/count_tokens`,
  upstreamPath: () => "/v1/messages/count_tokens",
  isFree: true,
  isStreamed: () => false,
  bound: () => NO_COST,
  figures: (said) => ({
    ...messageFigures(said),
    figures: { inputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 0 },
  }),
});

const own = (method: OwnRoute["method"], path: string, answer: OwnRoute["answer"]): OwnRoute => ({
  type: "own",
  protocol: "anthropic",
  method,
  path,
  answer,
});

/** What clients of Anthropic's protocol ask (https://platform.claude.com/docs/en/api/overview), Claude Code among them. */
export const anthropic: Protocol = {
  name: "anthropic",
  routes: [
    ...BASES.flatMap((base) => [messages(base), countTokens(base)]),
    own("GET", MODELS_PATH, (_head, models) => json(page(models.map(entry)))),
    own("GET", `${MODELS_PATH}/*`, (head, models) => {
      const found = namedModel(head, models);
      return "type" in found ? found : json(entry(found));
    }),
    // Claude Code asks for these before it asks a model; its reports go no further.
    own("HEAD", "/", () => ({ status: 200, headers: {}, body: "" })),
    own("HEAD", "/api/hello", () => ({ status: 200, headers: {}, body: "" })),
    own("POST", "/api/event_logging/batch", () => json({})),
  ],
  refuse: refuseMessages,
};

/** A model as https://platform.claude.com/docs/en/api/models-list has it; that is the day of one whose release is not known. */
function entry({ name }: ListedModel) {
  return { type: "model", id: name, display_name: name, created_at: "1970-01-01T00:00:00Z" };
}

function page(data: readonly { id: string }[]) {
  return { data, has_more: false, first_id: data.at(0)?.id ?? null, last_id: data.at(-1)?.id ?? null };
}
