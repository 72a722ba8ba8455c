import { describe, expect, test } from "vitest";
import { channelId } from "../../../src/alerts/channels/registry.ts";
import { createLog } from "../../../src/logs/writer.ts";
import { channels, offHostPing, pingsTaken } from "../../../src/ops/doctor/alerts.ts";
import { writeMeta } from "../../../src/store/meta.ts";
import { opsHarness } from "../harness.ts";
import { hostWith, only } from "./harness.ts";

const HOOK = { type: "webhook", url: "http://127.0.0.1:1/hook" };

async function harnessed(config: Record<string, unknown>) {
  const { config: loaded, rails } = await opsHarness(config);
  const { db } = rails.store;
  let count = 0;
  return {
    config: loaded,
    rails,
    look: async () =>
      await channels({ config: loaded, store: rails.store, clock: rails.clock, host: hostWith() }),
    async delivery(state: "pending" | "sent" | "failed", attempts: number, error: string | null = null) {
      const id = `alert-${count++}`;
      const now = rails.clock.nowMs();
      await db
        .insertInto("alerts")
        .values({ id, key: id, event: "cap_hit", severity: "warn", payload: "{}", created_at: now })
        .execute();
      const channel = channelId(loaded.alerts[0]!);
      await db
        .insertInto("alert_deliveries")
        .values({ alert_id: id, channel, state, attempts, next_at: now, error, updated_at: now })
        .execute();
      rails.clock.advance(60_000);
    },
  };
}

describe("channels", () => {
  test("that are none are told of", async () => {
    const { look } = await harnessed({});
    expect(only(await look())).toMatchObject({
      result: "warn",
      mend: expect.stringContaining("ALERT_WEBHOOK"),
    });
  });

  test("of the host are told of when the file names others, and only then", async () => {
    const { config, rails } = await harnessed({ alerts: [HOOK] });
    const look = async (ALERT_WEBHOOK: string) => {
      const host = hostWith({ environment: { ALERT_WEBHOOK } });
      return [await channels({ config, store: rails.store, clock: rails.clock, host })].flat();
    };
    expect(await look("https://ntfy.sh/topic")).toMatchObject([
      { name: "alerts by webhook" },
      {
        result: "warn",
        found: expect.stringContaining("not used"),
        mend: expect.stringContaining("alerts:"),
      },
    ]);
    expect(await look(HOOK.url)).toHaveLength(1);
    expect(await look("")).toHaveLength(1);
  });

  test("are judged by the last alert that was tried on them", async () => {
    const { look, delivery } = await harnessed({ alerts: [HOOK] });
    const finding = async () => only(await look());
    expect(await finding()).toMatchObject({
      result: "ok",
      found: expect.stringContaining("nothing was sent yet"),
    });
    await delivery("failed", 5, "answered 404");
    expect(await finding()).toMatchObject({
      result: "bad",
      found: "the last alert was given up 1 min ago: answered 404",
    });
    await delivery("pending", 0);
    expect((await finding()).result).toBe("bad");
    await delivery("pending", 1, "connect ECONNREFUSED");
    expect(await finding()).toMatchObject({ result: "ok", found: expect.stringContaining("try 1") });
    await delivery("pending", 2, "connect ECONNREFUSED");
    expect(await finding()).toMatchObject({ result: "warn", found: expect.stringContaining("try 2") });
    await delivery("sent", 1);
    expect(await finding()).toMatchObject({ result: "ok", mend: null });
  });
});

test("a channel is judged by the last test of it when that is newer than the last alert", async () => {
  const { config, rails, delivery, look } = await harnessed({ alerts: [HOOK] });
  const tested = async (event: "alert_sent" | "alert_failed", fields = {}) => {
    const log = createLog({
      dir: config.paths.logs,
      clock: rails.clock,
      redact: (text) => text,
      maxBytes: 1e6,
    });
    log.event("info", event, { alert: "alert_test", channel: channelId(config.alerts[0]!), ...fields });
    log.close();
    rails.clock.advance(60_000);
  };
  await delivery("sent", 1);
  await tested("alert_failed", { error: "HTTP 403" });
  expect(only(await look())).toMatchObject({
    result: "bad",
    found: "the test of 1 min ago was not taken: HTTP 403",
    mend: expect.stringContaining("afk alert test"),
  });
  await tested("alert_sent");
  expect(only(await look())).toMatchObject({ result: "ok", found: "the test of 1 min ago was taken" });
  await delivery("failed", 5, "answered 404");
  expect(only(await look())).toMatchObject({ result: "bad", found: expect.stringContaining("given up") });
});

test("a machine that nothing outside watches is told of", async () => {
  const look = async (heartbeat: object) => {
    const { config, rails } = await opsHarness({ heartbeat });
    return only(await offHostPing({ config, clock: rails.clock, host: hostWith() }));
  };
  expect(await look({})).toMatchObject({
    result: "warn",
    mend: expect.stringContaining("heartbeat.ping_url"),
  });
  const ping_url = "https://hc-ping.com/0a1b2c3d-0000-4000-8000-abcdefabcdef";
  const finding = await look({ ping_url });
  expect(finding).toMatchObject({ result: "ok", found: "in the style of healthchecks" });
});

describe("pings that fail", () => {
  test("are told of with the time since when, and not any more once one is taken", async () => {
    const { config, rails } = await opsHarness({ heartbeat: { ping_url: "http://127.0.0.1:1/ping" } });
    const look = () => pingsTaken({ config, store: rails.store, clock: rails.clock, host: hostWith() });
    expect(await look()).toEqual([]);
    const failingSince = rails.clock.nowMs();
    await rails.store.atomically((trx) => writeMeta(trx, "ping_failed_at", failingSince));
    rails.clock.advance(2 * 3_600_000);
    expect(only(await look())).toMatchObject({
      result: "warn",
      found: expect.stringContaining("2 h ago"),
      mend: expect.stringContaining("ping_failed"),
    });
    await rails.store.atomically((trx) => writeMeta(trx, "ping_failed_at", 0));
    expect(await look()).toEqual([]);
  });
});
