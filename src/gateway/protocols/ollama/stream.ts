import { remoteHostIn } from "../../../providers/remote-host.ts";
import { countIn, errorIn, isRecord, parseJson } from "../../../providers/reply-json.ts";
import type { Figures, Usage } from "../../../providers/types.ts";
import type { StreamReader } from "../protocol.ts";

interface Said {
  figures: Figures;
  model: string | null;
  error: string | null;
  remoteHost: string | null;
}

/** Every line says whether it is the last; what a tool is called with may say the same of something else. */
const GOES_ON = Buffer.from('"done":false');
const IS_DONE = Buffer.from('"done":true');

const NO_TOKENS: Usage = { inputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 0 };
const ENDED_TWICE: Figures = { unknown: "its stream ends twice" };
const CUT: Figures = { unknown: "its stream ended before it said how many tokens the call took" };

/** Reads the lines of /api/chat and /api/generate (https://docs.ollama.com/api/streaming). */
export function lineReader(): StreamReader {
  let last: Said | null = null;
  let model: string | null = null;
  let error: string | null = null;
  let remoteHost: string | null = null;
  return {
    take(line) {
      if (line.includes(GOES_ON) && !line.includes(IS_DONE)) return "pass";
      const said = parseJson(line.toString("utf8"));
      if (!isRecord(said)) return "pass";
      error ??= errorIn(said);
      model = typeof said.model === "string" ? said.model : model;
      remoteHost ??= remoteHostIn(said);
      if (said.done !== true || error !== null) return "pass";
      last = last === null ? generationFigures(said) : { ...last, figures: ENDED_TWICE };
      return "pass";
    },
    isComplete: () => last !== null && error === null,
    end: () => ({
      isComplete: last !== null && error === null,
      figures: last?.figures ?? CUT,
      model,
      error,
      remoteHost,
    }),
  };
}

/** What a whole reply of /api/chat or /api/generate says. Counts that are 0 are left out. */
export function generationFigures(said: unknown): Said {
  return replyOf(said, (reply) => (reply.done === true ? counts(reply) : CUT));
}

/** What a reply of /api/embed says; the older /api/embeddings counts nothing. */
export function embeddingFigures(said: unknown): Said {
  return replyOf(said, (reply) =>
    reply.prompt_eval_count === undefined
      ? { unknown: "it does not say how many tokens the call took" }
      : counts(reply),
  );
}

/** Of what runs no model. */
export function freeFigures(said: unknown): Said {
  return replyOf(said, () => NO_TOKENS);
}

function replyOf(said: unknown, figures: (reply: Record<string, unknown>) => Figures): Said {
  if (!isRecord(said))
    return {
      figures: { unknown: "it is not a reply of Ollama" },
      model: null,
      error: null,
      remoteHost: null,
    };
  const model = typeof said.model === "string" ? said.model : null;
  return { figures: figures(said), model, error: errorIn(said), remoteHost: remoteHostIn(said) };
}

function counts(reply: Record<string, unknown>): Figures {
  const inputTokens = countIn(reply.prompt_eval_count ?? 0);
  const outputTokens = countIn(reply.eval_count ?? 0);
  if (inputTokens === null || outputTokens === null) return { unknown: "its counts of tokens are none" };
  return { inputTokens, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens };
}
