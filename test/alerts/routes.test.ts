import { describe, expect, test } from "vitest";
import type { ChannelConfig } from "../../src/alerts/channels/channel.ts";
import { channelId } from "../../src/alerts/channels/registry.ts";
import { createOutbox, type Notice } from "../../src/alerts/outbox.ts";
import { takeOverChannels } from "../../src/alerts/recipients.ts";
import { takeOverRoutes } from "../../src/alerts/routes.ts";
import type { Log } from "../../src/lib/log.ts";
import { enqueue } from "../../src/queue/enqueue.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { testStore } from "../support/store.ts";
import { sampleChannel } from "./payload.ts";

const hook = (name: string, on: string[] | null = null) =>
  sampleChannel("webhook", `https://example.org/${name}`, { name, on });

async function routesHarness(...channels: ChannelConfig[]) {
  const store = await testStore();
  const clock = fakeClock();
  const log: Log = { event: () => undefined, child: () => log };
  const outbox = createOutbox({ agent: "test", timezone: "UTC", clock, log, redact: (text) => text });
  await takeOverChannels(store, channels, { nowMs: clock.nowMs(), log });
  let count = 0;
  return {
    store,
    clock,
    takeOver: (...jobs: { name: string; alerts?: string[] }[]) => takeOverRoutes(store, jobs),
    /** The names of the channels that get an alert. */
    async raise(notice: Partial<Notice>) {
      count += 1;
      const usual = { event: "job_dead", title: "t", message: "m", subject: "" } as const;
      await store.atomically((trx) => outbox.announce(trx, { ...usual, occurrence: `${count}`, ...notice }));
      const rows = await store.db
        .selectFrom("alert_deliveries")
        .selectAll()
        .orderBy("alert_id")
        .orderBy("channel")
        .execute();
      const last = rows.at(-1)?.alert_id;
      const got = rows.filter(({ alert_id }) => alert_id === last).map(({ channel }) => channel);
      clock.advance(1);
      return channels.filter((channel) => got.includes(channelId(channel))).map(({ name }) => name);
    },
  };
}

describe("alerts of a job that names channels", () => {
  test("go to these alone, those of other jobs and of the agent to all", async () => {
    const { takeOver, raise } = await routesHarness(hook("phone"), hook("mail"), hook("team"));
    await takeOver({ name: "digest", alerts: ["phone", "team"] }, { name: "script" });
    const job = "digest@2026-11-21T06:00:00.000Z";
    expect(await raise({ job })).toEqual(["phone", "team"]);
    expect(await raise({ event: "tick_missed", job: "digest" })).toEqual(["phone", "team"]);
    expect(await raise({ job: "script@2026-11-21T06:00:00.000Z" })).toEqual(["phone", "mail", "team"]);
    expect(await raise({ event: "disk_low" })).toEqual(["phone", "mail", "team"]);
  });

  test("are those of its caps, and not those of a cap of the agent that its call met", async () => {
    const { takeOver, raise } = await routesHarness(hook("phone"), hook("mail"));
    await takeOver({ name: "digest", alerts: ["phone"] });
    const job = "digest@2026-11-21T06:00:00.000Z";
    const event = "cap_hit";
    expect(await raise({ event, window: "day", scope: "job:digest", job })).toEqual(["phone"]);
    expect(await raise({ event, window: "job", job })).toEqual(["phone"]);
    expect(await raise({ event, window: "day", job })).toEqual(["phone", "mail"]);
    expect(await raise({ event: "overrun", job })).toEqual(["phone", "mail"]);
  });

  test("are known by the run's name where a person gave the key", async () => {
    const { store, clock, takeOver, raise } = await routesHarness(hook("phone"), hook("mail"));
    await takeOver({ name: "invoice", alerts: ["mail"] });
    const added = { name: "invoice", kind: "exec", payload: null, maxAttempts: 5, label: "", byHand: true };
    const job = { ...added, key: "mail-7", slotMs: clock.nowMs() };
    await store.atomically((trx) => enqueue(trx, job, clock.nowMs()));
    expect(await raise({ job: "mail-7" })).toEqual(["mail"]);
  });

  test("go to those of them that ask for the event", async () => {
    const { takeOver, raise } = await routesHarness(hook("phone", ["cap_hit"]), hook("mail"), hook("team"));
    await takeOver({ name: "digest", alerts: ["phone", "mail"] });
    expect(await raise({ job: "digest" })).toEqual(["mail"]);
  });

  test("go to all when none of these is there any more, and when it names none any more", async () => {
    const { takeOver, raise } = await routesHarness(hook("phone"), hook("mail"));
    await takeOver({ name: "digest", alerts: ["gone"] });
    expect(await raise({ job: "digest" })).toEqual(["phone", "mail"]);
    await takeOver({ name: "digest", alerts: ["mail"] });
    expect(await raise({ job: "digest" })).toEqual(["mail"]);
    await takeOver({ name: "digest" });
    expect(await raise({ job: "digest" })).toEqual(["phone", "mail"]);
  });
});
