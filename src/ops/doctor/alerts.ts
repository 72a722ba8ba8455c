import type { ChannelConfig } from "../../alerts/channels/channel.ts";
import { channelId } from "../../alerts/channels/registry.ts";
import { formatRelative } from "../../lib/duration-text.ts";
import { DAY_MS } from "../../lib/durations.ts";
import { readLogs } from "../../logs/read.ts";
import { readMeta } from "../../store/meta.ts";
import { bad, type Finding, type Found, ok, type WithConfig, type WithStore, warn } from "./check.ts";

/** Whether anybody would hear of trouble: that there are channels, and what became of the last alert on each. */
export async function channels(subject: WithStore): Promise<Found> {
  const { alerts } = subject.config;
  if (alerts.length === 0)
    return warn("no channel: nobody hears of what goes wrong", "add one under alerts:, or set ALERT_WEBHOOK");
  const tests = lastTests(subject.config.paths.logs, subject.clock.nowMs());
  return await Promise.all(
    alerts.map(async (channel) => ({
      name: channelName(alerts, channel),
      ...(await checkChannel(channelId(channel), tests.get(channelId(channel)), subject)),
    })),
  );
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
  const when = formatRelative(last.updated_at, clock.nowMs());
  if (last.state === "sent") return ok(`the last alert was delivered ${when}`);
  const error = last.error ?? "for no stated reason";
  if (last.state === "failed") return bad(`the last alert was given up ${when}: ${error}`, mend);
  const tries = `try ${last.attempts}, more follow`;
  return warn(`the last alert was not delivered ${when} (${tries}): ${error}`, "afk alert test");
}

/** By type, and by number where there are several of one; an address is a secret. */
function channelName(alerts: readonly ChannelConfig[], channel: ChannelConfig): string {
  const alike = alerts.filter(({ type }) => type === channel.type);
  return `alerts by ${channel.type}${alike.length === 1 ? "" : ` ${alike.indexOf(channel) + 1}`}`;
}

/** How long a test says something of a channel. */
const DAYS_BACK_MS = 7 * DAY_MS;
/** Of the lines about alerts, so many of the newest are looked through. */
const LINES_MAX = 500;

interface ChannelTest {
  /** Epoch milliseconds. */
  at: number;
  /** Null: it arrived. */
  error: string | null;
}

/** What became of the last `afk alert test`, by channel. It needs no database, so the log alone has it. */
function lastTests(dir: string, nowMs: number): Map<string, ChannelTest> {
  const tests = new Map<string, ChannelTest>();
  const events = ["alert_sent", "alert_failed"];
  for (const { line } of readLogs({ dir, events, sinceMs: nowMs - DAYS_BACK_MS, limit: LINES_MAX })) {
    if (line.alert !== "alert_test" || typeof line.channel !== "string") continue;
    const error = line.event === "alert_sent" ? null : String(line.error ?? "for no stated reason");
    tests.set(line.channel, { at: Date.parse(line.ts), error });
  }
  return tests;
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
export async function pingsTaken({ config: { heartbeat }, store, clock }: WithStore): Promise<Found> {
  const failingSince = await readMeta(store.db, "ping_failed_at");
  if (heartbeat.pingUrl === null || failingSince === 0) return [];
  return bad(
    `no ping was taken since ${formatRelative(failingSince, clock.nowMs())}`,
    "see why with: afk logs --event ping_failed, and check heartbeat.ping_url",
  );
}
