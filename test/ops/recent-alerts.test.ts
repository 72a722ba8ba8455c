import { expect, test } from "vitest";
import { deliverAlerts } from "../../src/alerts/deliver.ts";
import type { AlertEvent } from "../../src/alerts/events.ts";
import { listAlerts } from "../../src/ops/recent-alerts.ts";
import { sampleChannel } from "../alerts/payload.ts";
import { receiver } from "../alerts/receiver.ts";
import { opsHarness } from "./harness.ts";

async function harness() {
  const { rails } = await opsHarness();
  const { url } = await receiver();
  const channels = [sampleChannel("webhook", url)];
  let count = 0;
  return {
    channels,
    raise: (event: AlertEvent) =>
      rails.store.atomically((trx) => {
        rails.clock.advance(1_000);
        count += 1;
        return rails.outbox.announce(trx, {
          event,
          title: `${event} ${count}`,
          message: "m",
          subject: "",
          occurrence: String(count),
        });
      }),
    deliver: () =>
      deliverAlerts({
        store: rails.store,
        channels,
        clock: rails.clock,
        log: rails.log,
        signal: new AbortController().signal,
      }),
    list: (limit = 10) => listAlerts(rails.store.db, channels, limit),
  };
}

test("an alert that a channel wants and nobody has tried to send is told from one that nobody wants", async () => {
  const { raise, deliver, list } = await harness();
  await raise("cap_hit");
  await raise("source_failed");
  expect((await list()).map(({ event, isUntried }) => [event, isUntried])).toEqual([
    ["source_failed", false],
    ["cap_hit", true],
  ]);
  await deliver();
  expect((await list()).map(({ deliveries, isUntried }) => [deliveries.length, isUntried])).toEqual([
    [0, false],
    [1, false],
  ]);
});

test("a storm is one entry, and hides nothing of what came before it", async () => {
  const { raise, list } = await harness();
  await raise("job_dead");
  for (let n = 0; n < 20; n++) await raise("source_failed");
  for (let n = 0; n < 3; n++) await raise("draft_pending");
  expect((await list(5)).map(({ title, more }) => [title, more])).toEqual([
    ["draft_pending 24", 0],
    ["draft_pending 23", 0],
    ["draft_pending 22", 0],
    ["source_failed 21", 19],
    ["job_dead 1", 0],
  ]);
});
