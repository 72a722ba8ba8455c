import { describe, expect, test } from "vitest";
import type { GatewayConfig } from "../../src/config/config.ts";
import { createFindCaller } from "../../src/gateway/keys.ts";
import { makeKey, revokeKeys } from "../../src/ops/client-keys.ts";
import { guard } from "../../src/rails/guard.ts";
import { load } from "../config/support.ts";
import { besides, guardedCall, testRails, thrown } from "../support/rails.ts";

const KEY = "laptop-key-0123456789";

function gatewayOf(...clients: object[]): GatewayConfig {
  return load({
    agent: "test",
    budget: { daily_cap_usd: 1 },
    models: { chain: ["extractive"] },
    gateway: { clients },
  }).gateway;
}

async function opened(...clients: object[]) {
  const rails = await testRails();
  const at = { gateway: gatewayOf(...clients) };
  const find = createFindCaller({ store: rails.store, config: () => at, log: rails.log, clock: rails.clock });
  const uses = { store: rails.store, clock: rails.clock, config: at };
  const refusals = () =>
    rails.logged.filter(({ event }) => event === "client_refused").map((each) => each.fields);
  return { rails, at, find, uses, refusals };
}

describe("the key of a client", () => {
  test("that stands in afk.yaml finds it, with what it may use", async () => {
    const { find } = await opened(
      { name: "ci" },
      { name: "laptop", key: KEY, models: ["openai/gpt-5"], allow: ["web_search"] },
    );
    expect(await find(KEY)).toMatchObject({
      title: "client laptop",
      scope: { tick: null, job: null, client: "laptop" },
      models: ["openai/gpt-5"],
      allow: new Set(["web_search"]),
      runner: null,
      recorded: null,
      signal: null,
    });
  });

  test("that was made finds it at once, also for a process that was up before, until it is revoked", async () => {
    const { rails, at, find, uses } = await opened({ name: "laptop" });
    const other = await besides(rails);
    const findThere = createFindCaller({ store: other.store, config: () => at, log: other.log });
    expect(await findThere("x")).toBeNull();
    const { key } = await makeKey(uses, "laptop");
    expect(await find(key)).toMatchObject({ title: "client laptop" });
    expect(await findThere(key)).toMatchObject({ title: "client laptop" });
    await revokeKeys(uses, "laptop", "only");
    expect(await find(key)).toBeNull();
    expect(await findThere(key)).toBeNull();
  });

  test("opens nothing when its client is gone from afk.yaml, and the file's own key neither", async () => {
    const { at, find, uses, refusals } = await opened({ name: "laptop", key: KEY });
    const { key } = await makeKey(uses, "laptop");
    at.gateway = gatewayOf({ name: "ci" });
    expect([await find(key), await find(KEY)]).toEqual([null, null]);
    expect(refusals()).toEqual([{ reason: "unknown_client", client: "laptop" }, { reason: "unknown_key" }]);
  });

  test.each([
    ["nothing", () => ""],
    ["its hash", (_key: string, hash: string) => hash],
    ["a part of it", (key: string) => key.slice(0, -1)],
    ["more than it", (key: string) => `${key}0`],
    ["it in capitals", (key: string) => key.toUpperCase()],
    ["a pattern", () => "%"],
    ["SQL", () => "' or 1=1 --"],
    ["a very long text", () => "k".repeat(1_000_000)],
    ["a lone surrogate", () => "\ud800"],
  ])("is not %s", async (_, wrong) => {
    const { rails, find, uses } = await opened({ name: "laptop", key: KEY });
    const { key } = await makeKey(uses, "laptop");
    const { hash } = await rails.store.db.selectFrom("client_keys").select("hash").executeTakeFirstOrThrow();
    expect(await find(wrong(key, hash))).toBeNull();
    expect(await find(wrong(KEY, hash))).toBeNull();
  });

  test("is kept as a hash alone", async () => {
    const { rails, uses } = await opened({ name: "laptop" });
    const { key, hint } = await makeKey(uses, "laptop");
    expect(key).toMatch(/^afk_[0-9a-f]{64}$/);
    const rows = await rails.store.db.selectFrom("client_keys").selectAll().execute();
    expect(rows).toMatchObject([{ client: "laptop", hint, revoked_at: null }]);
    expect(JSON.stringify(rows)).not.toContain(key.slice(4, 20));
  });

  test("that is renewed in the middle of a day leaves spend and cap with the client", async () => {
    const { rails, find, uses } = await opened({ name: "laptop" });
    rails.budget.budget.owners.client.laptop = { day_micros: 1_000 };
    const callBy = async (key: string) => {
      const caller = await find(key);
      return await guard(rails, guardedCall(rails, { scope: caller!.scope, estimateMicros: 600 }));
    };
    const first = await makeKey(uses, "laptop");
    await callBy(first.key);
    const second = await makeKey(uses, "laptop");
    await revokeKeys(uses, "laptop", { hint: first.hint });
    await callBy(second.key);
    const message = expect.stringContaining("the day cap of client laptop of $0.001 has no room");
    expect(await thrown(callBy(second.key))).toMatchObject({ code: "cap_hit", message });
  });
});

describe("wrong keys", () => {
  test("are logged once a minute for each reason, with how many there were, and never themselves", async () => {
    const { rails, find, uses, refusals } = await opened({ name: "laptop" });
    const { key } = await makeKey(uses, "laptop");
    await revokeKeys(uses, "laptop", "all");
    for (let n = 0; n < 1_000; n++) await find(`wrong-key-number-${n}`);
    await find(key);
    rails.clock.advance(59_999);
    await find("wrong-key-again");
    expect(refusals()).toHaveLength(2);
    rails.clock.advance(1);
    await find("wrong-key-again");
    expect(refusals()).toEqual([
      { reason: "unknown_key" },
      { reason: "revoked_key", client: "laptop" },
      { reason: "unknown_key", earlier: 1_000 },
    ]);
    expect(JSON.stringify(rails.logged)).not.toContain("wrong-key");
  });

  test("cost one look into an index, however many keys there are", async () => {
    const { rails } = await opened();
    const plan = await rails.store.db.executeQuery<{ detail: string }>({
      ...rails.store.db.selectFrom("client_keys").select(["client"]).where("hash", "=", "x").compile(),
      sql: 'explain query plan select "client", "revoked_at" from "client_keys" where "hash" = ?',
    });
    expect(plan.rows.map(({ detail }) => detail).join()).toMatch(/^SEARCH client_keys USING INDEX/);
  });
});
