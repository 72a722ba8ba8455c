import { describe, expect, test } from "vitest";
import { phoneChecks } from "../../../src/runner/remote/check.ts";
import { acquireLock } from "../../../src/store/sqlite/lock.ts";
import { ntfyServer } from "../../support/ntfy-server.ts";
import { telegramServer } from "../../support/telegram-server.ts";
import { ntfyPhone, type OnThePhone, onThePhone, telegramPhone } from "./on-the-phone.ts";

async function checked({ config, phone }: OnThePhone) {
  const found = await Promise.all(
    phoneChecks(config).map(([, , check]) => check({ config, clock: phone.clock, host: {} as never })),
  );
  return found.flat();
}

describe("afk doctor asks Telegram", () => {
  test("who the bot is and whether it can be read, and takes no message", async () => {
    const server = await telegramServer();
    server.type("stop");
    const [found] = await checked(await onThePhone(...telegramPhone(server.url)));
    expect(found).toMatchObject({ result: "ok", found: "@afk_test_bot can be read; nobody does now" });
    expect(server.waiting()).toBe(1);
  });

  test("nothing that would end the agent's own poll", async () => {
    const server = await telegramServer();
    const on = await onThePhone(...telegramPhone(server.url));
    const lock = acquireLock(on.config.paths.remoteLock);
    expect(await checked(on)).toMatchObject([{ result: "ok" }]);
    lock.release();
    expect(server.calls.map(({ method }) => method)).not.toContain("getUpdates");
  });

  test("for a webhook, and says how it is deleted", async () => {
    const server = await telegramServer();
    server.setWebhook("https://example.org/hook");
    const [found] = await checked(await onThePhone(...telegramPhone(server.url)));
    expect(found).toMatchObject({ result: "bad" });
    expect(found!.mend).toContain("deleteWebhook");
  });

  test("with a token that is not the bot's", async () => {
    const server = await telegramServer();
    const [found] = await checked(await onThePhone(...telegramPhone(server.url.replace("AAE", "AAX"))));
    expect(found).toMatchObject({ result: "bad" });
    expect(found!.found).toContain("does not know the bot's token");
  });
});

describe("afk doctor asks ntfy", () => {
  test("whether the topic can be read", async () => {
    const server = await ntfyServer();
    expect(await checked(await onThePhone(...ntfyPhone(server.origin)))).toMatchObject([{ result: "ok" }]);
  });

  test("and says what lacks where it cannot", async () => {
    const server = await ntfyServer({ token: "tk_1" });
    const [found] = await checked(await onThePhone(...ntfyPhone(server.origin)));
    expect(found).toMatchObject({ result: "bad" });
    expect(found!.found).toContain("?auth=");
  });

  test("whether it is an ntfy server at all", async () => {
    const server = await ntfyServer();
    server.troubles.push({ at: "subscribe", how: "garbage" });
    const [found] = await checked(await onThePhone(...ntfyPhone(server.origin)));
    expect(found!.found).toContain("no ntfy server");
  });
});
