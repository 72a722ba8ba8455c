import * as v from "valibot";
import { codeOf, exchange } from "../../http/exchange.ts";
import { joinSignals } from "../../lib/signals.ts";
import { bearer, endpoint } from "../http.ts";
import { parseJson } from "../reply-json.ts";
import type { Probe, ProviderOptions } from "../types.ts";

const TIMEOUT_MS = 5_000;
const TAGS_BYTES_MAX = 1024 * 1024;
const Tags = v.object({ models: v.array(v.object({ name: v.string() })) });

/** Whether Ollama answers and has the model: GET /api/tags (https://docs.ollama.com/api/tags), asked where and as who a call is. */
export async function probeOllama(model: string, options: ProviderOptions): Promise<Probe> {
  const to = endpoint("/api/tags", options, bearer(options.apiKey));
  const { host } = to.url;
  const failed = (problem: string): Probe => {
    return { problem, mend: "start Ollama, or leave it to the next model of the chain" };
  };
  using limit = joinSignals([], TIMEOUT_MS);
  try {
    const request = { url: to.url.href, method: "GET" as const, headers: to.headers };
    const { reply, isCut } = await exchange(request, limit.signal, TAGS_BYTES_MAX);
    if (reply.status !== 200) return failed(`${host} answers with HTTP ${reply.status}, as Ollama does not`);
    const tags = v.safeParse(Tags, parseJson(reply.body));
    if (isCut || !tags.success) {
      const sent = isCut ? `more than ${TAGS_BYTES_MAX} bytes` : "something else than a list of models";
      return failed(`what answers at ${host} is no Ollama: it sends ${sent}`);
    }
    const isThere = tags.output.models.some(({ name }) => name === model || name === `${model}:latest`);
    if (isThere) return { problem: null, found: `is there at ${host}` };
    return { problem: "Ollama answers but does not have it", mend: `ollama pull ${model}` };
  } catch (error) {
    if (limit.isTimedOut()) return failed(`nothing answers at ${host} within ${TIMEOUT_MS / 1_000} s`);
    return failed(`nothing answers at ${host} (${codeOf(error) ?? "no answer"})`);
  }
}
