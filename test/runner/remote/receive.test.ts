// @module-tag slow
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { readKillRow } from "../../../src/rails/kill.ts";
import { telegramServer } from "../../support/telegram-server.ts";
import { onThePhone, telegramPhone, until } from "./on-the-phone.ts";

describe("where the database takes nothing", () => {
  test.each([
    ["all", false],
    ["of a fleet this machine alone", true],
  ])("a stop is set as the file, and says so: it stops %s", async (_which, isShared) => {
    const server = await telegramServer();
    const on = await onThePhone(...telegramPhone(server.url));
    on.phone.clock.isShared = isShared;
    const { store } = on.rails;
    const { atomically } = store;
    store.atomically = async (work) => {
      if (server.calls.some(({ method }) => method === "getUpdates"))
        throw new Error("database disk image is malformed");
      return await atomically(work);
    };
    server.type("stop");
    on.start();
    await until(() => existsSync(on.rails.stopFile));
    await until(() => on.rails.watch.signal.aborted);
    expect(readFileSync(on.rails.stopFile, "utf8")).toContain("phone");
    await until(() => server.sent.length > 0);
    expect(server.texts()[0]).toMatch(/^Stopped by the file /);
    expect(server.texts()[0]?.includes("This machine alone")).toBe(isShared);
  });
});

describe("a message that cannot be dealt with", () => {
  test("is answered, given up, and keeps nobody behind it waiting", async () => {
    const server = await telegramServer();
    const seen: string[] = [];
    const on = await onThePhone(...telegramPhone(server.url), {
      obey: async (_trx, { text }) => {
        seen.push(text);
        if (text === "poison") throw new Error("no such job");
        return { reply: `did ${text}` };
      },
    });
    server.type("poison");
    server.type("after it");
    on.start();
    await until(() => server.sent.length === 2);
    expect(server.texts().sort()).toEqual(["afk could not do that: no such job", "did after it"]);
    await until(() => server.waiting() === 0);
    expect(seen).toEqual(["poison", "after it"]);
  });

  test("leaves nothing of what it wrote", async () => {
    const server = await telegramServer();
    const on = await onThePhone(...telegramPhone(server.url), {
      obey: async (trx) => {
        await trx.updateTable("kill_switch").set({ set_at: 1, reason: "half done" }).execute();
        throw new Error("in the middle");
      },
    });
    server.type("pause digest");
    on.start();
    await until(() => server.sent.length > 0);
    expect(await readKillRow(on.rails.store.db)).toBeNull();
  });
});

describe("another program that polls the bot", () => {
  test("is found out, and is left some: afk does not fight it", async () => {
    const server = await telegramServer();
    const on = await onThePhone(...telegramPhone(server.url));
    let isOver = false;
    const other = (async () => {
      while (!isOver) {
        await fetch(server.url.replace("sendMessage", "getUpdates"), {
          method: "POST",
          body: JSON.stringify({ timeout: 25 }),
        }).catch(() => undefined);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    })();
    on.start();
    await until(() => on.rails.logged.some(({ event }) => event === "remote_failed"));
    const calls = server.calls.length;
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(server.calls.length - calls).toBeLessThanOrEqual(2);
    const [row] = await on.rails.store.db.selectFrom("remote_cursors").selectAll().execute();
    expect(row!.error).toContain("another program polls this bot");
    isOver = true;
    await server.close();
    await other;
  });
});

describe("afk.yaml, changed while it is read,", () => {
  test("moves the reading to the channel that it names now", async () => {
    const [one, two] = [await telegramServer(), await telegramServer()];
    const on = await onThePhone(...telegramPhone(one.url));
    const other = await onThePhone(...telegramPhone(two.url));
    let config = on.config;
    on.phone.current = () => config;
    on.start();
    await until(one.isPolled);
    config = { ...other.config, paths: on.config.paths };
    await until(() => two.isPolled() && !one.isPolled());
    two.type("hello");
    await until(() => on.obeyed.includes("hello"));
  });
});
