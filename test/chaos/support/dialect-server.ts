import { createHash } from "node:crypto";
import { onTestFinished } from "vitest";
import { startModelEndpoint } from "../../../src/faults/model-endpoint.ts";
import type { Chance, Dialect } from "./dialects.ts";

/** The provider's own bill: a line for each request, by the hash of its body, which is the agent's too. */
export interface Billed {
  requestHash: string;
  micros: number;
  status: number;
}

/** What comes first, and half of what may be: the first request of each server is answered as it should be. */
const CALM: Chance = { of: (values) => values[0] as never, upTo: (most) => Math.floor(most / 2) };

/** A provider on 127.0.0.1 that bills before it answers, at most a token for each byte of a request. */
export async function dialectServer(
  dialect: Dialect,
  wild: Chance,
): Promise<{ url: string; bill: Billed[] }> {
  const bill: Billed[] = [];
  const endpoint = await startModelEndpoint("openai");
  onTestFinished(() => endpoint.close());
  endpoint.otherwise(({ body, json }) => {
    const chance = bill.length === 0 ? CALM : wild;
    const prompt = 1 + Math.floor(Buffer.byteLength(body) / (1 + chance.upTo(4)));
    const answer = dialect.answer(json, { prompt, cached: chance.upTo(prompt) }, chance);
    const requestHash = createHash("sha256").update(body).digest("hex");
    bill.push({ requestHash, micros: answer.billMicros, status: answer.status });
    const text = JSON.stringify(answer.body);
    const headers = { "content-length": String(Buffer.byteLength(text)) };
    if (!answer.isCut) return { type: "raw", status: answer.status, body: text, headers };
    return { type: "rawTruncated", status: answer.status, body: text.slice(0, text.length / 2), headers };
  });
  return { url: endpoint.url, bill };
}
