import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import type { ProtocolName } from "../../../../src/faults/model-protocols.ts";
import { MODELS, type TestGateway } from "./gateway.ts";

/** Each entry is rounded up by itself. Settling may follow the last byte that the client gets. */
export async function expectBooked(gateway: TestGateway): Promise<void> {
  const bill = gateway.billMicros();
  const calls = Object.values(gateway.providers).reduce((sum, { bill: lines }) => sum + lines.length, 0);
  await expect.poll(() => gateway.booksMicros(), { timeout: 5_000 }).toBeLessThanOrEqual(bill + calls);
  expect(await gateway.booksMicros()).toBeGreaterThanOrEqual(bill);
}

/** Fails calls of another client until the breaker lets none through any more. */
export async function openBreaker(gateway: TestGateway, protocol: ProtocolName): Promise<void> {
  const { requests } = gateway.providers[protocol];
  const paths = { openai: "/v1/chat/completions", anthropic: "/v1/messages", ollama: "/api/chat" };
  for (let call = 0; call < 10; call++) {
    const before = requests.length;
    const body = {
      model: MODELS[protocol].name,
      max_tokens: 50,
      messages: [{ role: "user", content: "Hi" }],
    };
    const headers = { authorization: `Bearer ${gateway.keyOf("breaker-tester")}` };
    const reply = await fetch(gateway.url + paths[protocol], {
      method: "POST",
      headers,
      body: JSON.stringify(body),
    });
    await reply.text();
    if (requests.length === before) return;
    await delay(20);
  }
  throw new Error("the breaker stays closed");
}
