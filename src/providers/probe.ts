import { Readable } from "node:stream";
import * as v from "valibot";
import type { ModelsConfig } from "../config/config.ts";
import { readBody } from "../egress/body.ts";
import { messageOf } from "../lib/errors.ts";
import { endpoint } from "./http.ts";
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
  try {
    const models = await listModels(baseUrl, apiKey);
    const isThere = models.some(({ name }) => name === parsed.model || name === `${parsed.model}:latest`);
    if (isThere) return { problem: null, found: `is there at ${new URL(baseUrl).host}` };
    return { problem: "Ollama answers but does not have it", mend: `ollama pull ${parsed.model}` };
  } catch (error) {
    const mend = "start Ollama, or leave it to the next model of the chain";
    return { problem: problemOf(error, new URL(baseUrl).host), mend };
  }
}

/** By status and code: the messages of fetch say little, and repeat the address. */
function problemOf(error: unknown, host: string): string {
  const { status } = fieldsOf(error);
  if (typeof status === "number") return `${host} answers with HTTP ${status}, as Ollama does not`;
  let cause = error;
  while (fieldsOf(cause).cause instanceof Error) cause = fieldsOf(cause).cause;
  const { code, name } = fieldsOf(cause);
  if (name === "TimeoutError") return `nothing answers at ${host} within ${PROBE_TIMEOUT_MS / 1_000} s`;
  if (cause !== error)
    return `nothing answers at ${host} (${typeof code === "string" ? code : messageOf(cause)})`;
  return `what answers at ${host} is no Ollama: ${messageOf(cause)}`;
}

function fieldsOf(error: unknown): { status?: unknown; cause?: unknown; code?: unknown; name?: unknown } {
  return typeof error === "object" && error !== null ? error : {};
}

/** Ollama's GET /api/tags (https://docs.ollama.com/api/tags), asked where and as who a call would be. */
async function listModels(baseUrl: string, apiKey: string | null): Promise<{ name: string }[]> {
  const headers: Record<string, string> = apiKey === null ? {} : { authorization: `Bearer ${apiKey}` };
  const to = endpoint("ollama", "/api/tags", { baseUrl, apiKey }, headers);
  const signal = AbortSignal.timeout(PROBE_TIMEOUT_MS);
  const { ofetch } = await import("ofetch");
  const stream = await ofetch(to.url.href, {
    headers: to.headers,
    responseType: "stream",
    retry: 0,
    redirect: "error",
    signal,
  });
  const limits = { bytesMax: TAGS_BYTES_MAX, onExcess: "fail" as const, signal };
  const body = await readBody(Readable.fromWeb(stream), "", limits);
  return v.parse(Tags, JSON.parse(Buffer.from(body).toString("utf8"))).models;
}
