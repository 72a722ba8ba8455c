import { expect, test } from "vitest";
import type { ChannelConfig } from "../../src/alerts/channels/channel.ts";
import { deliverAlerts } from "../../src/alerts/deliver.ts";
import { createOutbox } from "../../src/alerts/outbox.ts";
import { takeOverChannels } from "../../src/alerts/recipients.ts";
import type { Fields, Log } from "../../src/lib/log.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { testStore } from "../support/store.ts";
import { sampleChannel } from "./payload.ts";
import { receiver } from "./receiver.ts";

async function alerting(...wishes: (string[] | null)[]) {
  const store = await testStore();
  const clock = fakeClock();
  const lines: Fields[] = [];
  const log: Log = {
    event: (level, event, fields) => void lines.push({ level, event, ...fields }),
    child: () => log,
  };
  const receivers = await Promise.all(wishes.map(() => receiver()));
  const channels: ChannelConfig[] = receivers.map(({ url }, i) =>
    sampleChannel("webhook", url, { name: `webhook-${i}`, on: wishes[i] ?? null }),
  );
  const outbox = createOutbox({ agent: "test", timezone: "UTC", clock, log, redact: (text) => text });
  await takeOverChannels(store, channels, { nowMs: clock.nowMs(), log });
  const breaker = (event: "breaker_open" | "breaker_closed", name: string) =>
    store.atomically((trx) => {
      clock.advance(1_000);
      return outbox.announce(trx, {
        event,
        title: `${name}: ${event}`,
        message: "",
        subject: name,
        occurrence: String(clock.nowMs()),
      });
    });
  return {
    clock,
    lines,
    breaker,
    store,
    outbox,
    deliver: () => deliverAlerts({ store, channels, clock, log, signal: new AbortController().signal }),
    got: () => receivers.map(({ received }) => received.map(({ body }) => JSON.parse(body).event)),
  };
}

test("who was told of the trouble is told that it is over, and nobody else", async () => {
  const { breaker, deliver, got } = await alerting(null, ["breaker_open"], ["cap_hit"]);
  await breaker("breaker_open", "model:a");
  await deliver();
  await breaker("breaker_closed", "model:a");
  await breaker("breaker_closed", "model:b");
  await deliver();
  expect(got()).toEqual([["breaker_open", "breaker_closed"], ["breaker_open", "breaker_closed"], []]);
});

test("a trouble that was over before anybody could be told of it is told with its end", async () => {
  const { breaker, deliver, got } = await alerting(null);
  await breaker("breaker_open", "model:a");
  await breaker("breaker_closed", "model:a");
  await deliver();
  expect(got()).toEqual([["breaker_open", "breaker_closed"]]);
});

test("a name that begins like another's is not taken for it", async () => {
  const { breaker, deliver, got } = await alerting(null);
  await breaker("breaker_open", "model:a:b");
  await deliver();
  await breaker("breaker_closed", "model:a");
  await breaker("breaker_closed", "model:a:");
  await deliver();
  expect(got()).toEqual([["breaker_open"]]);
});

test("who was told that a source is down is told that it can be read again", async () => {
  const { store, outbox, deliver, got } = await alerting(null, ["source_failed"]);
  const say = (event: "source_failed" | "source_recovered", source: string) =>
    store.atomically((trx) =>
      outbox.announce(trx, {
        event,
        title: "t",
        message: "m",
        subject: `news/${source}`,
        occurrence: "2026-11-21",
      }),
    );
  await say("source_failed", "a");
  await deliver();
  await say("source_recovered", "a");
  await say("source_recovered", "b");
  await deliver();
  expect(got()).toEqual([[], ["source_failed", "source_recovered"]]);
});

test("the log says of an event how many channels hear of it", async () => {
  const { breaker, store, outbox, lines } = await alerting(null, ["cap_hit"]);
  await breaker("breaker_closed", "model:a");
  const hit = { event: "cap_hit" as const, title: "t", message: "m", subject: "", occurrence: "k" };
  await store.atomically((trx) => outbox.announce(trx, hit));
  await store.atomically((trx) => outbox.announce(trx, hit));
  expect(lines.map(({ event, alerted, channels }) => [event, alerted, channels])).toEqual([
    ["breaker_closed", true, 0],
    ["cap_hit", true, 2],
    ["cap_hit", false, undefined],
  ]);
});
