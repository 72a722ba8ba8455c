// @module-tag processes
// @module-tag slow
import { existsSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  type Deployment,
  deployment,
  digestConfig,
  fillInbox,
  ollama,
  PROCESSES,
} from "../../support/afk.ts";
import { CHAT, type TelegramServer, telegramServer } from "../../support/telegram-server.ts";
import { until } from "./on-the-phone.ts";

function withPhone(server: TelegramServer, modelUrl: string): Deployment {
  const target = deployment(
    digestConfig(modelUrl, {
      rest: {
        alerts: [{ name: "phone", type: "telegram", url: server.url, chat_id: CHAT }],
        remote: { telegram: { channel: "phone" } },
      },
    }),
  );
  fillInbox(target, 3);
  return target;
}

function stopped(target: Deployment): { reason: string; set_at: number }[] {
  return target.query("select reason, set_at from kill_switch where set_at is not null");
}

/** A deployment whose digest meets the cap of its job at its second call, and asks. */
function asking(server: TelegramServer, modelUrl: string): Deployment {
  const job = { caps: { daily_calls: 1 }, on_cap: "ask", retry: { first: "1s", max: "1s" } };
  const rest = {
    timezone: "Pacific/Auckland",
    alerts: [{ name: "phone", type: "telegram", url: server.url, chat_id: CHAT, on: ["alert_test"] }],
    remote: { telegram: { channel: "phone" } },
  };
  const target = deployment(digestConfig(modelUrl, { job, rest }));
  fillInbox(target, 1);
  return target;
}

const asked = (server: TelegramServer) =>
  server.sent.flatMap(({ reply_markup }) => reply_markup?.keyboard[0]?.[0]?.text ?? []);

describe("afk tick", PROCESSES, () => {
  test("sends what its work asks before it ends, and obeys the answer when it comes again", async () => {
    const server = await telegramServer();
    const model = await ollama();
    const target = asking(server, model.url);
    await target.afk(["tick"]);
    expect(asked(server)).toEqual([expect.stringMatching(/^yes \w{8}$/)]);
    expect(model.requests).toHaveLength(1);
    server.type(asked(server)[0]!);
    expect((await target.afk(["tick"])).code).toBe(0);
    expect(model.requests).toHaveLength(2);
    expect(Object.keys(target.outputs())).not.toEqual([]);
    expect(server.texts().at(-1)).toMatch(
      /^Yes: the run digest@.* may use up to 1 call more; the agent's caps hold\.$/,
    );
  });
});

describe("an answer", PROCESSES, () => {
  test("of yes lets the loop go on at once", async () => {
    const server = await telegramServer();
    const model = await ollama();
    const target = asking(server, model.url);
    const running = target.start(["run"]);
    await until(() => asked(server).length > 0, 60_000);
    expect(model.requests).toHaveLength(1);
    server.type(asked(server)[0]!);
    await until(() => model.requests.length === 2 && Object.keys(target.outputs()).length > 0, 15_000);
    running.kill("SIGTERM");
    await running.ended;
  });
});

const hourAgo = (minutes: number) => ({ date: Math.floor(Date.now() / 1_000) - minutes * 60 });

describe("afk run", PROCESSES, () => {
  test("is gone soon after a stop, in the middle of a call, and asks the model nothing more", async () => {
    const server = await telegramServer();
    const model = await ollama([], { type: "hang" });
    const target = withPhone(server, model.url);
    const running = target.start(["run"]);
    await until(() => model.requests.length > 0 && server.isPolled(), 60_000);
    const sentAt = performance.now();
    server.type("stop");
    const { code } = await running.ended;
    expect(performance.now() - sentAt).toBeLessThan(8_000);
    expect(code).toBe(0);
    expect(stopped(target)[0]!.reason).toContain("phone");
    const asked = model.requests.length;
    expect(server.texts().some((text) => text.startsWith("Stopped"))).toBe(true);
    const again = await target.afk(["run"]);
    expect(again.code).toBe(0);
    expect(model.requests).toHaveLength(asked);
  });

  test("obeys a stop that came while it was down, once", async () => {
    const server = await telegramServer();
    const model = await ollama();
    const target = withPhone(server, model.url);
    server.type("stop", hourAgo(30));
    const tick = await target.afk(["tick"]);
    expect(tick.code).toBe(0);
    expect(stopped(target)).toHaveLength(1);
    expect(model.requests).toEqual([]);
    expect((await target.afk(["resume"])).code).toBe(0);
    server.repeat(true);
    expect((await target.afk(["tick"])).code).toBe(0);
    expect(stopped(target)).toEqual([]);
    expect(model.requests.length).toBeGreaterThan(0);
  });

  test("does not wait for a phone that cannot be reached", async () => {
    const server = await telegramServer();
    const model = await ollama();
    const target = withPhone(server, model.url);
    server.troubles.push({ method: "getUpdates", how: "hang" });
    const beganAt = performance.now();
    expect((await target.afk(["tick"])).code).toBe(0);
    expect(performance.now() - beganAt).toBeLessThan(20_000);
    expect(Object.keys(target.outputs())).not.toEqual([]);
  });
});

describe("afk remote", PROCESSES, () => {
  test("answers while the switch is set, and clears nothing", async () => {
    const server = await telegramServer();
    const target = withPhone(server, "http://127.0.0.1:9");
    expect((await target.afk(["stop"])).code).toBe(0);
    const running = target.start(["remote"]);
    await until(server.isPolled, 60_000);
    for (const text of ["status", "resume", "/resume", "unpause digest"]) server.type(text);
    await until(() => server.texts().length >= 4, 30_000);
    expect(stopped(target)).toHaveLength(1);
    running.kill("SIGTERM");
    expect((await running.ended).code).toBe(0);
    expect(stopped(target)).toHaveLength(1);
  });

  test("reads alone: another process waits, and takes over when it is killed", async () => {
    const server = await telegramServer();
    const target = withPhone(server, "http://127.0.0.1:9");
    const first = target.start(["remote"]);
    await until(server.isPolled, 60_000);
    const second = target.start(["remote"]);
    await second.logged("remote_elsewhere");
    first.kill("SIGKILL");
    await first.ended;
    await until(() => !server.isPolled());
    await until(server.isPolled, 30_000);
    server.type("status");
    await until(() => server.sent.length > 0, 30_000);
    expect(server.calls.filter(({ method }) => method === "getUpdates").length).toBeLessThan(20);
  });

  test("is refused where afk.yaml names no phone", async () => {
    const target = deployment(digestConfig("http://127.0.0.1:9"));
    const { code, stderr } = await target.afk(["remote"]);
    expect(code).toBe(78);
    expect(stderr).toContain("remote:");
    expect(existsSync(`${target.state}/remote-lock.db`)).toBe(false);
  });
});
