import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { startModelEndpoint } from "../../src/faults/model-endpoint.ts";
import { createChain } from "../../src/providers/chain.ts";
import { openStore } from "../../src/store/sqlite/open.ts";
import { cases, chaosSeed, report } from "../support/chaos.ts";
import { railsOn } from "../support/rails-on.ts";
import { seededRandomness } from "../support/seeded.ts";
import { tempDir } from "../support/temp.ts";
import { ASK, pricedChain } from "./support/priced.ts";

/** What Anthropic bills of the prices that `pricedChain` states, in micro-dollars a token: 1.25 x and 2 x the input for writes. */
const BILLED = { fresh: 10, read: 1, write5m: 12.5, write1h: 20, output: 40 };
const ROUNDING_MICROS = 5;

it("has what is read from and written to the cache in its books for no less than it is billed", async () => {
  const count = cases({ test: 40, chaos: 4_000 });
  const { random } = seededRandomness(chaosSeed("the bill of the cache"));
  const upTo = (most: number) => Math.floor(random() * (most + 1));
  const server = await startModelEndpoint("anthropic");
  onTestFinished(() => server.close());
  const dir = tempDir();
  const store = await openStore(join(dir, "afk.db"));
  onTestFinished(() => store.close());
  const breaker = { callsPerMinute: 10_000, sameRequestPerHour: 10_000 };
  const rails = railsOn(store, dir, { budget: { day_micros: 1_000_000_000 }, breaker });
  const chain = createChain(rails, pricedChain("anthropic/test", server.url));
  for (let call = 0; call < count; call++) {
    const used = {
      fresh: 1 + upTo(9),
      read: upTo(9),
      write5m: upTo(9),
      write1h: upTo(9),
      output: 1 + upTo(99),
    };
    // As the interface says it: how long what was written is kept may be left out only where all of it is the short kind.
    const isSplit = used.write1h > 0 || random() < 0.5;
    const split = { ephemeral_5m_input_tokens: used.write5m, ephemeral_1h_input_tokens: used.write1h };
    const usage = {
      input_tokens: used.fresh,
      cache_read_input_tokens: used.read,
      cache_creation_input_tokens: used.write5m + used.write1h,
      output_tokens: used.output,
      ...(isSplit ? { cache_creation: split } : {}),
    };
    const content = [{ type: "text", text: "Open." }];
    const body = JSON.stringify({
      type: "message",
      role: "assistant",
      content,
      stop_reason: "end_turn",
      usage,
    });
    server.otherwise({ type: "raw", body });
    const { costMicros } = await chain.complete(ASK, { scope: { tick: null, job: null }, log: rails.log });
    const billed = Object.entries(BILLED).reduce((sum, [kind, price]) => {
      return sum + price * used[kind as keyof typeof used];
    }, 0);
    const what = `${JSON.stringify(usage)} is billed at ${billed} and booked at ${costMicros}`;
    expect(costMicros, what).toBeGreaterThanOrEqual(billed);
    // No price was stated for what is read from the cache, so it counts as other input does.
    const most = billed + (BILLED.fresh - BILLED.read) * used.read + ROUNDING_MICROS;
    expect(costMicros, what).toBeLessThanOrEqual(most);
  }
  const rows = await store.db
    .selectFrom("ledger")
    .select(["state", "cost_micros", "estimate_micros"])
    .execute();
  expect(rows.length).toBe(count);
  for (const { state, cost_micros, estimate_micros } of rows) {
    expect(state).toBe("settled");
    expect(cost_micros).toBeLessThanOrEqual(estimate_micros);
  }
  report("the bill of the cache", count);
});
