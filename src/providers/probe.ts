import * as v from "valibot";
import type { ModelsConfig } from "../config/config.ts";
import { codeOf, exchange } from "../http/exchange.ts";
import { joinSignals } from "../lib/signals.ts";
import { endpoint } from "./http.ts";
import { parseJson } from "./json.ts";
import { parseReference } from "./reference.ts";

const PROBE_TIMEOUT_MS = 5_000;
const TAGS_BYTES_MAX = 1024 * 1024;

export type Probe = { problem: null; found: string } | { problem: string; mend: string };

const Tags = v.object({ models: v.array(v.object({ name: v.string() })) });

/** Whether a model could be asked: for Ollama that it is there, for paid providers that there is a key. Costs nothing. */
export async function probeModel(reference: string, config: ModelsConfig): Promise<Probe> {
  const parsed = parseReference(reference);
  if (parsed.provider === "extractive") return { problem: null, found: "needs nothing" };
  const { baseUrl, apiKey } = config.providers[parsed.provider];
  if (parsed.provider !== "ollama") {
    if (apiKey !== null) return { problem: null, found: "has a key (not tried: a call could cost)" };
    const variable = `${parsed.provider.toUpperCase()}_API_KEY`;
    return { problem: "has no key", mend: `set ${variable} or models.providers.${parsed.provider}.api_key` };
  }
  const found = await listModels(baseUrl, apiKey);
  if ("problem" in found) {
    return { problem: found.problem, mend: "start Ollama, or leave it to the next model of the chain" };
  }
  const isThere = found.names.some((name) => name === parsed.model || name === `${parsed.model}:latest`);
  if (isThere) return { problem: null, found: `is there at ${new URL(baseUrl).host}` };
  return { problem: "Ollama answers but does not have it", mend: `ollama pull ${parsed.model}` };
}

/** Ollama's GET /api/tags (https://docs.ollama.com/api/tags), asked where and as who a call would be. */
async function listModels(
  baseUrl: string,
  apiKey: string | null,
): Promise<{ names: string[] } | { problem: string }> {
  const headers: Record<string, string> = apiKey === null ? {} : { authorization: `Bearer ${apiKey}` };
  const to = endpoint("ollama", "/api/tags", { baseUrl, apiKey }, headers);
  const { host } = to.url;
  using limit = joinSignals([], PROBE_TIMEOUT_MS);
  try {
    const request = { url: to.url.href, method: "GET" as const, headers: to.headers };
    const { reply, isCut } = await exchange(request, limit.signal, TAGS_BYTES_MAX);
    if (reply.status !== 200)
      return { problem: `${host} answers with HTTP ${reply.status}, as Ollama does not` };
    if (isCut)
      return { problem: `what answers at ${host} is no Ollama: it sends more than ${TAGS_BYTES_MAX} bytes` };
    const tags = v.safeParse(Tags, parseJson(reply.body));
    if (!tags.success)
      return {
        problem: `what answers at ${host} is no Ollama: it sends something else than a list of models`,
      };
    return { names: tags.output.models.map(({ name }) => name) };
  } catch (error) {
    if (limit.isTimedOut())
      return { problem: `nothing answers at ${host} within ${PROBE_TIMEOUT_MS / 1_000} s` };
    return { problem: `nothing answers at ${host} (${codeOf(error) ?? "no answer"})` };
  }
}
