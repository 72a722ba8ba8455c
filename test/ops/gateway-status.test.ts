import { describe, expect, test } from "vitest";
import { statusView } from "../../src/cli/views/status.ts";
import { createTally } from "../../src/gateway/tally.ts";
import { acquireLock } from "../../src/store/sqlite/lock.ts";
import { ended, reserved, sent, spend, UNKNOWN } from "../support/rails.ts";
import { opsHarness } from "./harness.ts";

const GATEWAY = {
  budget: { daily_cap_usd: 5 },
  gateway: {
    listen: "127.0.0.1:4236",
    clients: [
      { name: "laptop", caps: { daily_usd: 2 } },
      { name: "ci", caps: { daily_calls: 3 } },
      { name: "idle", key: "a-key-that-is-long-enough" },
    ],
  },
};

const of = (client: string) => ({ scope: { tick: null, job: null, client } });

describe("the gateway in the status", () => {
  test("is not there where afk.yaml has none", async () => {
    expect((await (await opsHarness()).status()).gateway).toBe(null);
  });

  test("says for each client that has caps or has asked what it did today", async () => {
    const { rails, status } = await opsHarness(GATEWAY);
    await spend(rails, 250_000, of("laptop"));
    await reserved(rails, 100_000, of("laptop"));
    const unknown = await sent(rails, 50_000, of("laptop"));
    await ended(rails, unknown, UNKNOWN);
    await spend(rails, 10_000, of("gone"));
    const tally = createTally(rails);
    for (let n = 0; n < 7; n++) tally.add("client:laptop", "refused");
    tally.add("client:laptop", "replayed");
    tally.add("client:laptop", "joined");
    tally.add("", "refused");
    tally.add("job:digest", "refused");
    await tally.close();

    const { gateway } = await status();
    expect(gateway).toEqual({
      state: "none",
      pid: null,
      url: "http://127.0.0.1:4236",
      unknownKeys: 1,
      clients: [
        {
          name: "laptop",
          calls: 3,
          settledUsd: 0.25,
          reservedUsd: 0.15,
          lastCallAt: "2026-11-21T10:00:00.000Z",
          refused: 7,
          answeredAgain: 2,
        },
        {
          name: "gone",
          calls: 1,
          settledUsd: 0.01,
          reservedUsd: 0,
          lastCallAt: "2026-11-21T10:00:00.000Z",
          refused: 0,
          answeredAgain: 0,
        },
        {
          name: "ci",
          calls: 0,
          settledUsd: 0,
          reservedUsd: 0,
          lastCallAt: null,
          refused: 0,
          answeredAgain: 0,
        },
      ],
      more: 0,
    });
  });

  test("goes by today, and remembers the last call of yesterday", async () => {
    const { rails, status } = await opsHarness(GATEWAY);
    await spend(rails, 250_000, of("laptop"));
    rails.clock.advance(24 * 3_600_000);
    const [first] = (await status()).gateway!.clients.filter(({ name }) => name === "laptop");
    expect(first).toMatchObject({ calls: 0, settledUsd: 0, lastCallAt: "2026-11-21T10:00:00.000Z" });
  });

  test("is shown with who serves it, and that a set switch refuses everything", async () => {
    const { config, rails, status } = await opsHarness(GATEWAY);
    await spend(rails, 250_000, of("laptop"));
    const view = async () => {
      const found = await status();
      return statusView(found, { nowMs: rails.clock.nowMs(), timezone: "UTC", columns: null, rows: null });
    };
    const row = (lines: string[], label: string) => lines.find((line) => line.startsWith(label));
    expect(row(await view(), "gateway")).toMatch(/nobody serves http:\/\/127\.0\.0\.1:4236: afk gateway/);
    const lock = acquireLock(config.paths.gatewayLock);
    try {
      expect(row(await view(), "gateway")).toMatch(/process \d+ serves it at http:\/\/127\.0\.0\.1:4236$/);
      await rails.store.db
        .updateTable("kill_switch")
        .set({ set_at: rails.clock.nowMs(), reason: "odd bill" })
        .execute();
      expect(row(await view(), "gateway")).toMatch(/and refuses every request until afk resume/);
    } finally {
      lock.release();
    }
    expect(row(await view(), "clients")).toMatch(
      /laptop: 1 call today, \$0\.25, last (just now|now|0 s ago)?/,
    );
  });

  test("is not longer for a hundred clients", async () => {
    const { rails, status } = await opsHarness(GATEWAY);
    for (let n = 0; n < 130; n++) await spend(rails, 10, of(`c${n}`));
    const found = await status();
    expect(found.gateway).toMatchObject({ more: 32 });
    expect(found.gateway?.clients).toHaveLength(100);
    const lines = statusView(found, {
      nowMs: rails.clock.nowMs(),
      timezone: "UTC",
      columns: 100,
      rows: null,
    });
    expect(lines.length).toBeLessThan(40);
    expect(lines.join("\n")).toMatch(/and 124 more: afk ledger list --by client/);
  });

  test("names a client whose breaker is open in words", async () => {
    const { rails, status } = await opsHarness(GATEWAY);
    await rails.store.db
      .insertInto("breakers")
      .values({
        name: "client:laptop",
        state: "open",
        failures: 0,
        until: rails.clock.nowMs() + 300_000,
        cooldown_ms: 300_000,
        probe: null,
        reason: "the same request 20 times in an hour, the limit of breaker.same_request_per_hour",
        updated_at: rails.clock.nowMs(),
      })
      .execute();
    const found = await status();
    const lines = statusView(found, {
      nowMs: rails.clock.nowMs(),
      timezone: "UTC",
      columns: null,
      rows: null,
    });
    expect(lines.join("\n")).toMatch(
      /breakers +client laptop is refused until .* the same request 20 times in an hour/,
    );
    expect(found.findings.map(({ text }) => text)).toEqual([
      "nobody serves http://127.0.0.1:4236",
      "client laptop is refused",
    ]);
  });
});
