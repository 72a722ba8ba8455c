import { channelId } from "../../alerts/channels/registry.ts";
import { deliverAlerts } from "../../alerts/deliver.ts";
import { systemClock, toIso } from "../../lib/clock.ts";
import type { Drill } from "../harness.ts";

/** A real message through every real channel, from a scratch outbox. */
export const alert: Drill = {
  name: "alert",
  description: "A real message goes through every channel (left out by --no-send)",
  promise: "When something goes wrong, somebody hears of it.",
  async run(harness) {
    const { alerts, agent: name } = harness.config;
    harness.expect(
      "there is a channel",
      alerts.length > 0,
      `${alerts.length} channels${alerts.length > 0 ? "" : "; add one under alerts:, or set ALERT_WEBHOOK"}`,
    );
    // A channel that wants some events only is tried all the same: it must work on the day of those.
    const channels = alerts.map((channel) => ({ ...channel, on: null }));
    const deployment = harness.deploy({});
    const { store, outbox, log } = await deployment.open();
    await store.atomically((trx) =>
      outbox.announce(trx, {
        event: "alert_test",
        title: `${name}: a drill of the alerts`,
        message:
          "This is a drill (afk drill). Alerts of this agent arrive here. Nothing is wrong and nothing is to be done.",
        subject: "drill",
        occurrence: toIso(systemClock.nowMs()),
      }),
    );
    const { signal } = harness;
    const { sent } = await deliverAlerts({ store, channels, clock: systemClock, log, signal });
    harness.did(`Sent a message through ${channels.length} channels.`);
    Object.assign(harness.figures, { channels: channels.length, sent });
    const rows = deployment.rows<{ channel: string; state: string; error: string | null }>(
      "select channel, state, error from alert_deliveries",
    );
    const findings = channels.map((channel) => {
      const row = rows.find((each) => each.channel === channelId(channel));
      // The host alone: the rest of an address is a secret.
      const host = URL.canParse(channel.url) ? new URL(channel.url).host : "an address that is none";
      const isSo = row?.state === "sent";
      const found = isSo ? "taken" : harness.redact(row?.error ?? "it was not tried");
      return { expected: `${channel.type} at ${host} takes the message`, isSo, found };
    });
    harness.findings.push(...findings);
    const refused = findings
      .filter(({ isSo }) => !isSo)
      .map(({ expected, found }) => `${expected}: ${found}`);
    harness.expect("every channel took it", refused.length === 0, refused.join("; ") || `${sent} sent`);
  },
};
