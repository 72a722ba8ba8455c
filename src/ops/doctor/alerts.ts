import type { ChannelConfig } from "../../alerts/channels/channel.ts";
import { channelId } from "../../alerts/channels/registry.ts";
import { channelOfUrl } from "../../alerts/channels/schema.ts";
import { readVariable } from "../../config/environment.ts";
import { formatRelative } from "../../lib/duration-text.ts";
import { type ChannelTest, lastTests } from "../alert-tests.ts";
import { bad, type Finding, type Found, ok, type WithConfig, type WithStore, warn } from "./check.ts";
import { findingsOf } from "./condition.ts";
import { lastSent } from "./last-sent.ts";

/** Whether anybody would hear of trouble: that there are channels, and what became of the last alert on each. */
export async function channels(subject: WithStore): Promise<Found> {
  const { alerts } = subject.config;
  if (alerts.length === 0)
    return warn("no channel: nobody hears of what goes wrong", "add one under alerts:, or set ALERT_WEBHOOK");
  const tests = lastTests(subject.config.paths.logs, subject.clock.nowMs());
  const checked = alerts.map(async (channel) => ({
    name: channelName(alerts, channel),
    ...(await checkChannel(channelId(channel), tests.get(channelId(channel)), subject)),
  }));
  return [...(await Promise.all(checked)), ...unusedHostChannel(subject)];
}

/** The host's channel is for agents that name none, which whoever sets it may not know. */
function unusedHostChannel({ config: { alerts }, host }: WithStore): Finding[] {
  const variable = readVariable(host.environment, "ALERT_WEBHOOK");
  const channel = variable.state === "set" ? channelOfUrl(variable.value.trim()) : "";
  if (typeof channel === "string" || alerts.some((each) => channelId(each) === channelId(channel))) return [];
  const found = "ALERT_WEBHOOK is set and not used: afk.yaml names channels of its own";
  return [warn(found, `unset it, or add it under alerts: as url: "\${ALERT_WEBHOOK}"`)];
}

async function checkChannel(
  channel: string,
  test: ChannelTest | undefined,
  { store, clock }: WithStore,
): Promise<Finding> {
  const last = await store.db
    .selectFrom("alert_deliveries")
    .select(["state", "attempts", "error", "updated_at"])
    .where("channel", "=", channel)
    // What has not been tried yet says nothing.
    .where("attempts", ">", 0)
    .orderBy("updated_at", "desc")
    .limit(1)
    .executeTakeFirst();
  const mend = "mend the channel, then: afk alert test";
  if (test !== undefined && test.at > (last?.updated_at ?? 0)) {
    const when = formatRelative(test.at, clock.nowMs());
    if (test.error === null) return ok(`the test of ${when} was taken`);
    return bad(`the test of ${when} was not taken: ${test.error}`, mend);
  }
  if (last === undefined) return ok("configured; nothing was sent yet: afk alert test");
  return lastSent("alert", last, { nowMs: clock.nowMs(), again: mend });
}

/** By type, and by number where there are several of one; an address is a secret. */
function channelName(alerts: readonly ChannelConfig[], channel: ChannelConfig): string {
  const alike = alerts.filter(({ type }) => type === channel.type);
  return `alerts by ${channel.type}${alike.length === 1 ? "" : ` ${alike.indexOf(channel) + 1}`}`;
}

/** A machine that is gone cannot say so: only something elsewhere notices that it went quiet. */
export function offHostPing({ config: { heartbeat } }: WithConfig): Found {
  if (heartbeat.pingUrl !== null) return ok(`in the style of ${heartbeat.style}`);
  return warn(
    "none: nobody notices when this machine is gone",
    "set heartbeat.ping_url to a check of healthchecks.io or Uptime Kuma",
  );
}

/** What became of the last ping; the tick remembers since when they fail. */
export async function pingsTaken(subject: WithStore): Promise<Found> {
  const found = await findingsOf(subject, ["ping_failing"]);
  const mend = "see why with: afk logs --event ping_failed, and check heartbeat.ping_url";
  return found.map((each) => ({ ...each, mend }));
}
