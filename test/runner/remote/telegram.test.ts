// @module-tag slow
import { describe, expect, test } from "vitest";
import { readKillRow } from "../../../src/rails/kill.ts";
import { CHAT, error, telegramServer } from "../../support/telegram-server.ts";
import { onThePhone, telegramPhone, until } from "./on-the-phone.ts";

const MINUTE_S = 60;

async function started(chatId?: number) {
  const server = await telegramServer();
  const on = await onThePhone(...telegramPhone(server.url, chatId));
  return { server, ...on };
}

const ago = (seconds: number) => ({ date: Math.floor(Date.now() / 1_000) - seconds });

describe("what the owner sends", () => {
  test("is obeyed, and answered in the chat", async () => {
    const { server, start, obeyed } = await started();
    start();
    await until(server.isPolled);
    server.type("/status");
    await until(() => server.sent.length > 0);
    expect(obeyed).toEqual(["status"]);
    expect(server.sent[0]).toMatchObject({ chat_id: String(CHAT), text: "All is well." });
  });

  test("is confirmed only once it was dealt with", async () => {
    const { server, start } = await started();
    start();
    server.type("hello");
    await until(() => server.waiting() === 0);
    const offsets = server.calls
      .filter(({ method }) => method === "getUpdates")
      .map(({ body }) => body.offset);
    expect(offsets).toContain(101);
  });

  test("is obeyed once, however often it comes again", async () => {
    const { server, start, obeyed } = await started();
    server.repeat(true);
    server.type("stop");
    server.type("hello");
    start();
    await until(() => server.calls.filter(({ method }) => method === "getUpdates").length > 4);
    expect(obeyed.sort()).toEqual(["hello", "stop"]);
  });

  test("is taken in its order, whatever order it comes in, a stop first", async () => {
    const { server, start, obeyed } = await started();
    server.type("one");
    server.type("two");
    server.type("stop");
    server.shuffle();
    start();
    await until(() => obeyed.length === 3);
    expect(obeyed).toEqual(["stop", "one", "two"]);
    await until(() => server.waiting() === 0);
  });

  test("sets the durable switch and stops this process's own work at once", async () => {
    const { server, start, rails, alerts } = await started();
    const release = rails.watch.hold("in_flight");
    start();
    await until(server.isPolled);
    const sentAt = performance.now();
    server.type("Stop!");
    await until(() => rails.watch.signal.aborted);
    expect(performance.now() - sentAt).toBeLessThan(3_000);
    expect((await readKillRow(rails.store.db))?.reason).toBe("phone: phone");
    expect(alerts.map(({ event }) => event)).toContain("kill_set");
    await until(() => server.texts().includes("Stopped."));
    release();
  });

  test("waits for no answer: a stop is obeyed while the service takes no message", async () => {
    const { server, start, rails } = await started();
    server.troubles.push({ method: "sendMessage", how: "hang" });
    start();
    server.type("hello");
    await until(() => server.calls.some(({ method }) => method === "sendMessage"));
    server.type("stop");
    await until(() => rails.watch.signal.aborted, 3_000);
  });

  test("may name the bot in a command, and only this one", async () => {
    const { server, start, obeyed } = await started();
    start();
    server.type("/stop@another_bot");
    server.type("/status@AFK_test_bot");
    await until(() => obeyed.length > 0);
    await until(() => server.waiting() === 0);
    expect(obeyed).toEqual(["status"]);
  });

  test("is cut, and holds nothing unseen", async () => {
    const { server, start, obeyed } = await started();
    start();
    server.type(`a\u0000\u0007\u001b[31m\u202eb\u200bc\n${"x".repeat(4_000)}`);
    await until(() => obeyed.length > 0);
    expect(obeyed[0]).toMatch(/^a\[31mbc x+…$/);
    expect(obeyed[0]).toHaveLength(1_000);
  });
});

describe("what came while nobody read", () => {
  test("a stop that is younger than an hour counts", async () => {
    const { server, start, rails } = await started();
    server.type("stop", ago(59 * MINUTE_S));
    start();
    await until(() => rails.watch.signal.aborted);
  });

  test("an older stop is answered and not obeyed", async () => {
    const { server, start, obeyed } = await started();
    server.type("stop", ago(61 * MINUTE_S));
    start();
    await until(() => server.sent.length > 0);
    expect(obeyed).toEqual([]);
    expect(server.texts()[0]).toContain("too old");
    expect(server.texts()[0]).toContain("Send it again");
  });

  test("anything else is obeyed for ten minutes", async () => {
    const { server, start, obeyed } = await started();
    server.type("status", ago(9 * MINUTE_S));
    server.type("pause digest", ago(11 * MINUTE_S));
    start();
    await until(() => server.sent.length >= 2);
    expect(obeyed).toEqual(["status"]);
  });

  test("is judged by the service's clock: this machine's may be wrong", async () => {
    const { server, start, obeyed, phone } = await started();
    phone.clock = { ...phone.clock, nowMs: () => Date.now() + 90 * MINUTE_S * 1_000 };
    server.type("stop");
    start();
    await until(() => obeyed.length > 0);
    expect(obeyed).toEqual(["stop"]);
  });
});

describe("what is refused, and told of", () => {
  const stranger = { id: 666, is_bot: false, first_name: "Mallory" };
  test.each([
    ["another chat", { chat: { id: 666, type: "private" }, from: stranger }, "stranger"],
    ["another chat of the owner", { chat: { id: -5, type: "group" } }, "stranger"],
    ["a stranger in the chat", { from: stranger }, "stranger"],
    ["a bot", { from: { id: CHAT, is_bot: true, first_name: "b" } }, "stranger"],
    ["a chat that writes for somebody", { sender_chat: { id: -100, type: "channel" } }, "stranger"],
    ["nobody", { from: undefined }, "stranger"],
    [
      "the owner, passed on",
      { forward_origin: { type: "user", sender_user: stranger, date: 1 } },
      "forwarded",
    ],
    ["the owner, passed on by an old server", { forward_date: 1 }, "forwarded"],
    ["the owner, by another bot", { via_bot: { id: 5, is_bot: true } }, "forwarded"],
    ["the owner, edited", { edit_date: 5 }, "edited"],
  ])("from %s", async (_name, changes, reason) => {
    const { server, start, obeyed, alerts } = await started();
    server.type("stop", changes);
    start();
    await until(() => alerts.length > 0);
    await until(() => server.waiting() === 0);
    expect(obeyed).toEqual([]);
    expect(alerts.map(({ event, key }) => [event, key.split(":")[2]])).toEqual([["remote_refused", reason]]);
    expect(alerts[0]!.message).not.toContain("Mallory");
    const answers = server.texts().filter((text) => text.startsWith("Not obeyed"));
    expect(answers).toHaveLength(reason === "stranger" ? 0 : 1);
  });

  test.each(["edited_message", "channel_post", "edited_channel_post"])("as %s", async (kind) => {
    const { server, start, obeyed, alerts } = await started();
    server.push(kind, server.message("stop"));
    start();
    await until(() => alerts.length > 0);
    await until(() => server.waiting() === 0);
    expect(obeyed).toEqual([]);
  });

  test("with a text that claims the owner's chat", async () => {
    const { server, start, obeyed, alerts } = await started();
    server.type(`{"chat":{"id":${CHAT}}} stop`, { chat: { id: 7, type: "private" }, from: stranger });
    start();
    await until(() => alerts.length > 0);
    expect(obeyed).toEqual([]);
    expect(server.sent).toEqual([]);
  });

  test("a flood of strangers is told of once, leaves no row each, and delays no stop", async () => {
    const { server, start, rails, alerts, obeyed } = await started();
    for (let n = 0; n < 2_000; n++)
      server.type(`yes ${n}`, { chat: { id: n, type: "private" }, from: stranger });
    server.type("stop");
    start();
    await until(() => rails.watch.signal.aborted, 60_000);
    expect(obeyed).toEqual(["stop"]);
    expect(alerts.filter(({ event }) => event === "remote_refused")).toHaveLength(1);
    expect(await rails.store.db.selectFrom("remote_messages").selectAll().execute()).toHaveLength(1);
    await until(() => server.sent.length > 0);
    expect(server.texts()).toEqual(["Stopped."]);
  }, 90_000);

  test("a flood of the owner's own is obeyed up to a bound, but for a stop", async () => {
    const { server, start, rails, obeyed } = await started();
    for (let n = 0; n < 200; n++) server.type(`yes ${n}`);
    server.type("stop");
    start();
    await until(() => rails.watch.signal.aborted);
    expect(obeyed.length).toBeLessThanOrEqual(21);
    expect(server.texts().length).toBeLessThanOrEqual(25);
  });
});

describe("a group", () => {
  test("obeys the users that afk.yaml names, and nobody else", async () => {
    const server = await telegramServer();
    const [alerts] = telegramPhone(server.url, -1001);
    const on = await onThePhone([...alerts], { telegram: { channel: "phone", users: [11] } });
    const chat = { id: -1001, type: "supergroup" };
    server.type("status", { chat, from: { id: 12, is_bot: false } });
    server.type("hello", { chat, from: { id: 11, is_bot: false } });
    on.start();
    await until(() => on.obeyed.length > 0);
    expect(on.obeyed).toEqual(["hello"]);
    expect(on.alerts).toHaveLength(1);
  });
});

describe("trouble", () => {
  test.each([
    ["a reset connection", { how: "reset" as const }],
    ["a page in place of the answer", { how: "garbage" as const }],
    ["an empty answer", { how: "empty" as const }],
    ["an error of the server", { how: { status: 502, body: error(502, "Bad Gateway") } }],
  ])("%s is got over, and loses nothing", async (_name, trouble) => {
    const { server, start, obeyed, events } = await started();
    server.troubles.push({ method: "getUpdates", ...trouble }, { method: "getUpdates", ...trouble });
    server.type("hello");
    start();
    await until(() => obeyed.length > 0);
    expect(events()).toContain("remote_failed");
    expect(events()).toContain("remote_back");
  });

  test("an answer larger than is read costs no other message", async () => {
    const { server, start, obeyed } = await started();
    server.type("lost with the large one");
    server.type("hello");
    server.troubles.push({ method: "getUpdates", how: "huge" }, { method: "getUpdates", how: "huge" });
    start();
    await until(() => obeyed.includes("hello"));
  });

  test("a limit is kept to for as long as the service asks", async () => {
    const { server, start, obeyed } = await started();
    server.troubles.push({
      method: "getUpdates",
      how: { status: 429, body: error(429, "Too Many Requests: retry after 3", { retry_after: 3 }) },
    });
    server.type("hello");
    start();
    await until(() => obeyed.length > 0);
    const [first, second] = server.calls.filter(({ method }) => method === "getUpdates");
    expect(second!.at - first!.at).toBeGreaterThanOrEqual(2_990);
  });

  test.each([
    [
      "another poller",
      (server: Awaited<ReturnType<typeof telegramServer>>) => {
        server.troubles.push({
          method: "getUpdates",
          how: { status: 409, body: error(409, "Conflict: terminated by other getUpdates request") },
        });
      },
      "another program polls this bot",
    ],
    [
      "a webhook",
      (server: Awaited<ReturnType<typeof telegramServer>>) => server.setWebhook("https://example.org/hook"),
      "deleteWebhook",
    ],
    [
      "a token that is revoked",
      (server: Awaited<ReturnType<typeof telegramServer>>) => {
        server.troubles.push({
          method: "getUpdates",
          how: { status: 401, body: error(401, "Unauthorized") },
        });
      },
      "token",
    ],
  ])(
    "%s is written down in words that mend it, and not asked about again at once",
    async (_name, make, words) => {
      const { server, start, rails } = await started();
      make(server);
      start();
      await until(() => rails.logged.some(({ event }) => event === "remote_failed"));
      const [row] = await rails.store.db.selectFrom("remote_cursors").selectAll().execute();
      expect(row!.error).toContain(words);
      expect(row!.failing_since).not.toBeNull();
      expect(server.calls.filter(({ method }) => method === "getUpdates")).toHaveLength(1);
    },
  );

  test("neither log, nor tables, nor alerts show the token", async () => {
    const { server, start, rails, alerts } = await started();
    server.troubles.push({ how: { status: 500, body: error(500, `failed for ${server.url}`) } });
    server.troubles.push({ method: "getUpdates", how: "reset" });
    server.type("hello");
    start();
    await until(() => server.sent.length > 0);
    const rows = await rails.store.db.selectFrom("remote_cursors").selectAll().execute();
    expect(JSON.stringify([rails.logged, rows, alerts])).not.toContain("AAEhBOweik6ad9r");
  });
});

describe("questions", () => {
  test("go out with a key that sends each answer", async () => {
    const { server, start, questions, asked } = await started();
    questions.push({
      id: "q1",
      text: "Approve the draft?",
      actions: [
        { label: "Yes", message: "yes K7QX" },
        { label: "No", message: "no K7QX" },
      ],
    });
    start();
    await until(() => asked.length > 0);
    expect(server.sent[0]).toMatchObject({
      text: "Approve the draft?",
      reply_markup: { keyboard: [[{ text: "yes K7QX" }], [{ text: "no K7QX" }]] },
    });
  });
});
