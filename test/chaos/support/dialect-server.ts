import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import type { Chance, Dialect } from "./dialects.ts";

/** The provider's own books: a line for each request, by the hash of its body, which is the agent's too. */
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
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const chance = bill.length === 0 ? CALM : wild;
    const prompt = 1 + Math.floor(body.length / (1 + chance.upTo(4)));
    const input = { prompt, cached: chance.upTo(prompt) };
    const answer = dialect.answer(JSON.parse(body.toString("utf8")), input, chance);
    const requestHash = createHash("sha256").update(body).digest("hex");
    bill.push({ requestHash, micros: answer.billMicros, status: answer.status });
    const text = JSON.stringify(answer.body);
    response.writeHead(answer.status, {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(text),
    });
    if (answer.isCut) response.write(text.slice(0, text.length / 2), () => response.destroy());
    else response.end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, bill };
}
