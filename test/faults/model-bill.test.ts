import { expect, it } from "vitest";
import type { Behaviour } from "../../src/faults/model-answers.ts";
import { ask, failure, harness, KINDS } from "../providers/providers.ts";

const PRICE = { input: 2, output: 10, cacheRead: 0.5, cacheWrite: 3 };

it.each(KINDS)("bills $name for what it answered or lost, and for nothing that it refused", async (kind) => {
  const { server, provider } = await harness(kind);
  const usage = { inputTokens: 100, cacheReadTokens: 10, cacheWriteTokens: 20, outputTokens: 30 };
  server.script([{ type: "reply", usage }]);
  await ask(provider, kind.model);
  expect(server.billMicros(PRICE)).toBe(200 + 5 + 60 + 300);

  server.script([
    { type: "error", status: 500 },
    { type: "error", status: 429 },
    { type: "html", status: 404 },
  ]);
  for (let call = 0; call < 3; call++) await failure(ask(provider, kind.model));
  expect(server.billMicros(PRICE)).toBe(565);

  const lost: Behaviour[] = [{ type: "reset" }, { type: "html", status: 504 }, { type: "cut", pieces: 1 }];
  for (const behaviour of lost) {
    const before = server.billMicros(PRICE);
    server.script([behaviour]);
    await failure(ask(provider, kind.model));
    expect(server.billMicros(PRICE)).toBeGreaterThan(before);
  }
});
