// @module-tag slow
import { describe, expect, test } from "vitest";
import { openGateway } from "../../src/gateway/gateway.ts";
import { createFindCaller } from "../../src/gateway/keys.ts";
import { listLedger, sumLedger } from "../../src/ops/ledger.ts";
import { KEY, openTestGateway, TURNS, testGateway, turn } from "./gateway-on.ts";

const daysOf = (rails: Awaited<ReturnType<typeof testGateway>>["rails"]) =>
  rails.store.db.selectFrom("gateway_days").selectAll().orderBy("owner").execute();

describe("what a gateway writes down beside the calls", () => {
  test("refusals are counted by owner, and logged once a minute for each reason", async () => {
    const { rails, url, opened } = await testGateway({
      budget: { day_micros: 0 },
      caller: { models: ["openai/test"] },
    });
    for (let n = 0; n < 30; n++) expect((await turn(url, "chat", { user: `user ${n}` })).status).toBe(402);
    expect((await turn(url, "chat", { model: "no/such" })).status).toBe(404);
    expect((await fetch(`${url}/v1/nothing`, { headers: { "x-api-key": KEY } })).status).toBe(404);
    expect((await fetch(`${url}${TURNS.chat.path}`, { method: "POST", body: "{}" })).status).toBe(401);
    rails.clock.advance(60_000);
    expect((await turn(url, "chat", { user: "again" })).status).toBe(402);
    await opened.close();

    expect(await daysOf(rails)).toEqual([
      { day: "2026-11-21", owner: "", refused: 1, replayed: 0, joined: 0 },
      { day: "2026-11-21", owner: "client:laptop", refused: 33, replayed: 0, joined: 0 },
    ]);
    const refused = rails.logged.filter(({ event }) => event === "client_refused");
    expect(refused.map(({ fields: { reason, earlier } }) => [reason, earlier])).toEqual([
      ["cap", undefined],
      ["model", undefined],
      ["route", undefined],
      ["cap", 29],
    ]);
    expect(refused[0]?.fields.error).toMatch(/^afk: daily limit reached, resets 2026-11-22T00:00:00/);
  });

  test("counts go on over a restart, and a retry that bought nothing is told", async () => {
    const { rails, url, opened, gateway, models } = await testGateway();
    const headers = { "idempotency-key": "one" };
    for (let n = 0; n < 3; n++) expect((await turn(url, "chat", {}, headers)).status).toBe(200);
    await opened.close();
    expect(await daysOf(rails)).toMatchObject([{ owner: "client:laptop", joined: 2, refused: 0 }]);
    const again = await openTestGateway(rails, { gateway, models });
    for (let n = 0; n < 2; n++) expect((await turn(again.url, "chat", {}, headers)).status).toBe(200);
    await again.close();
    expect(await daysOf(rails)).toMatchObject([{ owner: "client:laptop", joined: 3 }]);
    expect((await listLedger(rails.store.db, { limit: 10 })).length).toBe(2);
  });

  test("each call is one line with its client, session and route", async () => {
    const { rails, gateway, models } = await testGateway();
    const { url, close } = await openTestGateway(
      rails,
      { gateway, models },
      { log: rails.log.child({ client: "laptop" }) },
    );
    await turn(url, "chat", {}, { "x-session-id": "conversation-1" });
    await turn(url, "messages");
    await close();
    const done = rails.logged.filter(({ event }) => event === "call_done").map(({ fields }) => fields);
    expect(done).toMatchObject([
      { client: "laptop", session: "conversation-1", route: "/v1/chat/completions", model: "openai/test" },
      { client: "laptop", route: "/v1/messages", model: "anthropic/test" },
    ]);
    expect(done[1]).not.toHaveProperty("session");
  });
});

test("requests without a key, or with one that is nobody's, are counted and logged as well", async () => {
  const { rails, gateway, models } = await testGateway();
  const findCaller = createFindCaller({
    store: rails.store,
    config: () => ({ gateway }),
    log: rails.log,
    clock: rails.clock,
  });
  const config = () => ({ gateway, models });
  const opened = await openGateway({
    rails,
    config,
    listen: { host: "127.0.0.1", port: 0 },
    tls: null,
    findCaller,
  });
  for (let n = 0; n < 5; n++) {
    expect((await fetch(`${opened.url}/v1/models`)).status).toBe(401);
    expect((await fetch(`${opened.url}/k/not-a-key-${n}/v1/models`)).status).toBe(401);
  }
  await opened.close();
  expect(await daysOf(rails)).toMatchObject([{ owner: "", refused: 10 }]);
  const refused = rails.logged.filter(({ event }) => event === "client_refused");
  expect(refused.map(({ fields }) => fields)).toEqual([{ reason: "unknown_key" }]);
});

describe("a client that writes labels to do harm", () => {
  const HOSTILE = [
    "\u001b[2J\u0007",
    "a".repeat(9_000),
    "x\u202ey",
    '"} 1\nafk_killed 1',
    "../../etc",
    "%00",
    "é",
  ];

  test("gets them short and without anything that a terminal acts on", async () => {
    const { rails, url, opened } = await testGateway();
    for (const label of HOSTILE) {
      // What HTTP itself refuses does not arrive.
      await turn(url, "chat", { user: label.slice(0, 9) }, { "x-session-id": label }).catch(() => null);
      await turn(url, "chat", {}, { "x-afk-session": encodeURIComponent(label) });
    }
    await opened.close();
    const entries = await listLedger(rails.store.db, { limit: 100 });
    expect(entries.length).toBeGreaterThan(7);
    for (const { session } of entries) expect(session ?? "none").toMatch(/^[\w.:-]{1,64}$/);
    const logged = rails.logged.filter(({ event }) => event === "call_done");
    for (const { fields } of logged) expect(String(fields.session ?? "none")).toMatch(/^[\w.:-]{1,64}$/);
  });

  test("makes no table grow but the ledger, with whatever models, sessions and routes it names", async () => {
    // Ollama takes any name, and is down here: each call is a failure of what it was asked for.
    const { rails, url, opened } = await testGateway({ servers: ["openai"] });
    const before = await rows(rails);
    for (let n = 0; n < 120; n++) {
      await turn(url, "ollamaChat", { model: `made-up-${n}` }, { "x-session-id": `s${n}` });
      await turn(url, "chat", { model: `openai/made-up-${n}` });
      await fetch(`${url}/made/up/${n}`, { headers: { "x-api-key": KEY } });
      await fetch(`${url}/v1/models`, { headers: { "x-api-key": `key-${n}` } });
    }
    await opened.close();
    const after = await rows(rails);
    const { ledger: _calls, ...others } = after;
    for (const [table, count] of Object.entries(others))
      expect([table, count - (before[table] ?? 0)]).toEqual([table, expect.toSatisfy((grown) => grown <= 8)]);
    const lines = rails.logged.filter(({ event }) => !/^call_|^fallback_used/.test(event));
    expect(lines.length).toBeLessThan(10);
  });

  async function rows(
    rails: Awaited<ReturnType<typeof testGateway>>["rails"],
  ): Promise<Record<string, number>> {
    const { db } = rails.store;
    const tables = [
      "breakers",
      "budget_windows",
      "alerts",
      "incidents",
      "gateway_days",
      "model_refusals",
    ] as const;
    const counts = [...tables, "ledger" as const].map(async (table) => {
      const { count } = await db
        .selectFrom(table)
        .select((eb) => eb.fn.countAll<number>().as("count"))
        .executeTakeFirstOrThrow();
      return [table, Number(count)] as const;
    });
    return Object.fromEntries(await Promise.all(counts));
  }
});

test("a thousand sessions are a page of sums, and the rest is said to be left out", async () => {
  const { rails, url, opened } = await testGateway({ budget: { day_micros: 100_000_000 } });
  for (let n = 0; n < 60; n++)
    await turn(url, "chat", { user: `user ${n}` }, { "x-session-id": `s${n % 40}` });
  await opened.close();
  const { db } = rails.store;
  const { rows, more } = await sumLedger(db, "session", { limit: 10 });
  expect([rows.length, more]).toEqual([10, 30]);
  expect(rows[0]).toMatchObject({ calls: 2, unknownCalls: 0, reservedMicros: 0 });
  expect((await sumLedger(db, "client", { limit: 10 })).rows).toMatchObject([{ name: "laptop", calls: 60 }]);
  expect((await sumLedger(db, "model", { limit: 10, session: "s3" })).rows).toMatchObject([
    { name: "openai/test", calls: 2 },
  ]);
  expect(await listLedger(db, { limit: 100, client: "laptop", session: "s3" })).toHaveLength(2);
  expect(await listLedger(db, { limit: 100, client: "nobody" })).toEqual([]);
  expect(await listLedger(db, { limit: 100, sinceMs: rails.clock.nowMs() + 1 })).toEqual([]);
});
