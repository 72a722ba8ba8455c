import type { ChannelConfig } from "../../alerts/channels/channel.ts";
import { channelId } from "../../alerts/channels/registry.ts";
import { deliverAlerts } from "../../alerts/deliver.ts";
import { systemClock, toIso } from "../../lib/clock.ts";
import type { Db } from "../../store/schema.ts";
import type { Drill, Harness } from "../harness.ts";

/** A real message through every real channel, from a scratch outbox. */
export const alert: Drill = {
  name: "alert",
  description: "A real message goes through every channel (left out by --no-send)",
  promise: "When something goes wrong, somebody hears of it.",
  async run(harness) {
    const { alerts } = harness.config;
    harness.expect(
      "there is a channel",
      alerts.length > 0,
      `${alerts.length} channels${alerts.length > 0 ? "" : "; add one under alerts:, or set ALERT_WEBHOOK"}`,
    );
    // A channel that wants some events only is tried all the same: it must work on the day of those.
    const channels = alerts.map((channel) => ({ ...channel, on: null }));
    const deployment = harness.deploy({});
    const agent = await harness.open(deployment);
    await agent.store.atomically((trx) =>
      agent.outbox.announce(trx, {
        event: "alert_test",
        title: `${harness.config.agent}: a drill of the alerts`,
        message:
          "This is a drill (afk drill). Alerts of this agent arrive here. Nothing is wrong and nothing is to be done.",
        subject: "drill",
        occurrence: toIso(systemClock.nowMs()),
      }),
    );
    const delivered = await deliverAlerts({
      store: agent.store,
      channels,
      clock: systemClock,
      log: agent.log,
      signal: harness.signal,
    });
    harness.did(`Sent a message through ${channels.length} channels.`);
    Object.assign(harness.figures, { channels: channels.length, sent: delivered.sent });
    const answers = await Promise.all(channels.map((channel) => answerOf(harness, agent.store.db, channel)));
    for (const { what, isSent, found } of answers.filter(({ isSent }) => isSent))
      harness.expect(what, isSent, found);
    for (const { what, isSent, found } of answers.filter(({ isSent }) => !isSent))
      harness.findings.push({ expected: what, isSo: isSent, found });
    const refused = answers.filter(({ isSent }) => !isSent);
    harness.expect(
      "every channel took it",
      refused.length === 0,
      refused.length === 0
        ? `${delivered.sent} sent`
        : refused.map(({ what, found }) => `${what}: ${found}`).join("; "),
    );
  },
};

async function answerOf(
  harness: Harness,
  db: Db,
  channel: ChannelConfig,
): Promise<{ what: string; isSent: boolean; found: string }> {
  const row = await db
    .selectFrom("alert_deliveries")
    .select(["state", "error"])
    .where("channel", "=", channelId(channel))
    .executeTakeFirst();
  // The host alone: the rest of an address is a secret.
  const host = URL.canParse(channel.url) ? new URL(channel.url).host : "an address that is none";
  const what = `${channel.type} at ${host} takes the message`;
  const isSent = row?.state === "sent";
  const error = row?.error ?? "it was not tried";
  return { what, isSent, found: isSent ? "taken" : harness.redact(error) };
}
