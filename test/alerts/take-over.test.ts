import { describe, expect, test } from "vitest";
import type { ChannelConfig } from "../../src/alerts/channels/channel.ts";
import { channelId } from "../../src/alerts/channels/registry.ts";
import { deliverAlerts } from "../../src/alerts/deliver.ts";
import { createOutbox } from "../../src/alerts/outbox.ts";
import { takeOverChannels } from "../../src/alerts/recipients.ts";
import type { Fields, Log } from "../../src/lib/log.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { testStore } from "../support/store.ts";
import { sampleChannel } from "./payload.ts";
import { receiver } from "./receiver.ts";

const DOWN = "http://127.0.0.1:1/";
const DAY_MS = 86_400_000;

async function harness() {
  const store = await testStore();
  const clock = fakeClock();
  const lines: Fields[] = [];
  const log: Log = {
    event: (level, event, fields) => void lines.push({ level, event, ...fields }),
    child: () => log,
  };
  const outbox = createOutbox({ agent: "test", timezone: "UTC", clock, log, redact: (text) => text });
  let count = 0;
  const announce = async (event: "cap_hit" | "breaker_closed" = "cap_hit") => {
    count += 1;
    clock.advance(1);
    const notice = { event, title: "t", message: "m", subject: "", occurrence: String(count) };
    await store.atomically((trx) => outbox.announce(trx, notice));
    return `${event}:${count}`;
  };
  return {
    store,
    clock,
    lines,
    outbox,
    announce,
    announceThree: async () => [await announce(), await announce(), await announce()],
    takeOver: (...channels: ChannelConfig[]) =>
      takeOverChannels(store, channels, { nowMs: clock.nowMs(), log }),
    deliver: (...channels: ChannelConfig[]) =>
      deliverAlerts({ store, channels, clock, log, signal: new AbortController().signal }),
    rows: () =>
      store.db
        .selectFrom("alert_deliveries")
        .innerJoin("alerts", "alerts.id", "alert_id")
        .select(["key", "channel", "state", "attempts", "error"])
        .orderBy("alert_id")
        .orderBy("channel")
        .execute(),
  };
}

const keysOf = (received: { body: string }[]) => received.map(({ body }) => JSON.parse(body).key);
const hook = (name: string, url: string, on: string[] | null = null) =>
  sampleChannel("webhook", url, { name, on });

describe("who gets an alert", () => {
  test("is on disk with the alert, or neither is", async () => {
    const { store, outbox, takeOver, rows, announce } = await harness();
    await takeOver(hook("a", DOWN), hook("b", `${DOWN}b`, ["kill_set"]));
    const crash = store.atomically(async (trx) => {
      await outbox.announce(trx, {
        event: "cap_hit",
        title: "t",
        message: "m",
        subject: "",
        occurrence: "0",
      });
      expect(await trx.selectFrom("alert_deliveries").selectAll().execute()).toHaveLength(1);
      throw new Error("the power went out");
    });
    await expect(crash).rejects.toThrow("the power went out");
    expect(await rows()).toEqual([]);
    const key = await announce();
    expect(await rows()).toMatchObject([{ key, channel: channelId(hook("a", DOWN)), state: "pending" }]);
  });

  test("stays as it was when `on` is changed afterwards", async () => {
    const { takeOver, announce, deliver } = await harness();
    const [one, two] = [await receiver(), await receiver()];
    await takeOver(hook("a", one.url), hook("b", two.url, ["kill_set"]));
    const key = await announce();
    const changed = [hook("a", one.url, ["kill_set"]), hook("b", two.url)];
    await takeOver(...changed);
    await deliver(...changed);
    expect([keysOf(one.received), keysOf(two.received)]).toEqual([[key], []]);
    const later = await announce();
    await deliver(...changed);
    expect([keysOf(one.received), keysOf(two.received)]).toEqual([[key], [later]]);
  });

  test("is decided by what the worker took over, whichever process raises it", async () => {
    const worker = await harness();
    const { url, received } = await receiver();
    await worker.takeOver(hook("a", url));
    // A command typed in a shell that lacks ALERT_WEBHOOK: it knows of no channel, and delivers to none.
    const store = await testStore(worker.store.path);
    const shell = createOutbox({
      agent: "test",
      timezone: "UTC",
      clock: worker.clock,
      log: { event: () => {}, child: () => ({}) as Log },
      redact: (text) => text,
    });
    await store.atomically((trx) =>
      shell.announce(trx, { event: "kill_set", title: "t", message: "m", subject: "row", occurrence: "1" }),
    );
    expect(await worker.deliver()).toMatchObject({ pending: 1 });
    expect(await worker.deliver(hook("a", url))).toMatchObject({ sent: 1, pending: 0 });
    expect(keysOf(received)).toEqual(["kill_set:row:1"]);
  });

  test("of what happened before any channel was there is the first channel, and nobody who is added later", async () => {
    const { takeOver, announce, deliver, clock } = await harness();
    const [first, second] = [await receiver(), await receiver()];
    await takeOver();
    const key = await announce();
    clock.advance(3 * DAY_MS);
    await takeOver(hook("a", first.url));
    await deliver(hook("a", first.url));
    const both = [hook("a", first.url), hook("b", second.url)];
    await takeOver(...both);
    const later = await announce();
    await deliver(...both);
    expect([keysOf(first.received), keysOf(second.received)]).toEqual([[key, later], [later]]);
  });
});

describe("a channel while three alerts wait for it", () => {
  test("whose address was corrected gets them at once, with all tries", async () => {
    const { takeOver, announceThree, deliver, clock, rows } = await harness();
    await takeOver(hook("phone", DOWN));
    const keys = await announceThree();
    for (let time = 0; time < 3; time++) {
      await deliver(hook("phone", DOWN));
      clock.advance(2 * 3_600_000);
    }
    const { url, received } = await receiver();
    await takeOver(hook("phone", url));
    expect((await rows()).map(({ attempts, error }) => [attempts, error])).toEqual(Array(3).fill([0, null]));
    expect(await deliver(hook("phone", url))).toEqual({ sent: 3, failed: 0, pending: 0 });
    expect(keysOf(received)).toEqual(keys);
  });

  test("whose address was corrected to where some arrived before gets none twice", async () => {
    const { takeOver, announceThree, deliver } = await harness();
    const { url, received } = await receiver();
    await takeOver(hook("a", DOWN), hook("b", url));
    const keys = await announceThree();
    await deliver(hook("a", DOWN), hook("b", url));
    await takeOver(hook("a", DOWN));
    await takeOver(hook("a", url));
    await deliver(hook("a", url));
    expect(keysOf(received)).toEqual(keys);
  });

  test("that is renamed, or one that only moves up, keeps them and gets no others", async () => {
    const { takeOver, announce, announceThree, deliver } = await harness();
    const { url, received } = await receiver();
    await takeOver(hook("webhook", DOWN, ["breaker_closed"]), hook("webhook-2", url));
    await announce("breaker_closed");
    const keys = await announceThree();
    await takeOver(hook("webhook", url));
    await deliver(hook("webhook", url));
    expect(keysOf(received)).toEqual(keys);
    await takeOver(hook("phone", url));
    await announce();
    await deliver(hook("phone", url));
    expect(received).toHaveLength(4);
  });

  test("and others that swap their names get what was theirs", async () => {
    const { takeOver, announceThree, announce, deliver } = await harness();
    const [one, two] = [await receiver(), await receiver()];
    await takeOver(hook("a", one.url), hook("b", two.url, ["breaker_closed"]));
    const keys = await announceThree();
    const ended = await announce("breaker_closed");
    const swapped = [hook("b", one.url), hook("a", two.url, ["breaker_closed"])];
    await takeOver(...swapped);
    await deliver(...swapped);
    expect([keysOf(one.received), keysOf(two.received)]).toEqual([keys, [ended]]);
  });

  test("that is removed drops them, and the log says so of each", async () => {
    const { takeOver, announceThree, deliver, lines, rows } = await harness();
    const { url, received } = await receiver();
    const [kept, removed] = [hook("a", url), hook("b", DOWN)];
    await takeOver(kept, removed);
    const keys = await announceThree();
    await deliver(removed);
    await takeOver(kept);
    const error = expect.stringMatching(
      /^the channel was removed from the configuration \(last: the request failed/,
    );
    const dropped = lines.filter(({ event }) => event === "alert_failed");
    expect(dropped).toMatchObject(keys.map((key) => ({ key, channel: channelId(removed) })));
    expect(dropped[0]).toMatchObject({ level: "error", error });
    expect((await rows()).filter(({ state }) => state === "failed")).toHaveLength(3);
    // That it comes back is no reason to send old news.
    await takeOver(kept, removed);
    expect(await deliver(kept)).toMatchObject({ sent: 3, pending: 0 });
    expect(received).toHaveLength(3);
  });

  test("of ALERT_WEBHOOK keeps what waits for it when a tick without that variable knows only the others", async () => {
    const at = await harness();
    const [host, phone] = [hook("host", DOWN), hook("phone", "http://127.0.0.1:2/")];
    await at.takeOver(host, phone);
    await at.announceThree();
    await at.takeOver(phone);
    const waiting = (await at.rows()).filter(({ channel }) => channel === channelId(host));
    expect(waiting.map(({ state }) => state)).toEqual(["pending", "pending", "pending"]);
    await at.takeOver(host, phone);
    expect((await at.rows()).filter(({ state }) => state === "failed")).toEqual([]);
  });

  test("that a tick does not know of, in a shell without ALERT_WEBHOOK, keeps them and gets what that tick raises", async () => {
    const { takeOver, announceThree, announce, deliver, lines } = await harness();
    const { url, received } = await receiver();
    await takeOver(hook("webhook", url));
    const keys = await announceThree();
    await takeOver();
    const raised = await announce();
    await deliver();
    await takeOver(hook("webhook", url));
    expect(await deliver(hook("webhook", url))).toMatchObject({ sent: 4, pending: 0 });
    expect(keysOf(received)).toEqual([...keys, raised]);
    expect(lines.filter(({ event }) => event === "alert_failed")).toEqual([]);
  });

  test("that is removed in the middle of a request neither sends nor fails it twice", async () => {
    const { takeOver, announce, deliver, lines, rows } = await harness();
    const isThere = Promise.withResolvers<void>();
    const isRemoved = Promise.withResolvers<void>();
    const { url } = await receiver(async () => {
      isThere.resolve();
      await isRemoved.promise;
      return { status: 200 };
    });
    await takeOver(hook("a", url));
    await announce();
    const delivering = deliver(hook("a", url));
    await isThere.promise;
    await takeOver(hook("b", DOWN));
    isRemoved.resolve();
    await delivering;
    expect(await rows()).toMatchObject([{ state: "failed", attempts: 1 }]);
    expect(lines.filter(({ event }) => event === "alert_sent" || event === "alert_failed")).toHaveLength(1);
  });
});

test("taking over the same channels again writes nothing", async () => {
  const { takeOver, store } = await harness();
  const channels = [hook("a", DOWN), hook("b", `${DOWN}b`, ["kill_set"])];
  await takeOver(...channels);
  const refused = { ...store, atomically: () => Promise.reject(new Error("it writes")) };
  await takeOverChannels(refused, channels, { nowMs: 1, log: { event: () => {}, child: () => ({}) as Log } });
});
