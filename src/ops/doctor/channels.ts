import { channelId } from "../../alerts/channels/registry.ts";
import type { ChannelConfig } from "../../config/config.ts";
import { formatRelative } from "../../lib/duration-text.ts";
import { type ChannelTest, lastTests } from "./channel-tests.ts";
import { bad, type Examination, type Finding, ok, type WithStore, warn } from "./check.ts";

const NAME = "alerts";

/** Whether anybody would hear of trouble: that there are channels, and what became of the last alert on each. */
export const channels: Examination<WithStore> = {
  group: "alerts",
  name: NAME,
  look: async (subject) => {
    const { alerts } = subject.config;
    if (alerts.length === 0)
      return [
        bad(
          NAME,
          "no channel: nobody hears of what goes wrong",
          "add one under alerts:, or set ALERT_WEBHOOK",
        ),
      ];
    const tests = lastTests(subject.config.paths.logs, subject.clock.nowMs());
    return await Promise.all(
      alerts.map((channel, index) =>
        judge(channel, channelName(alerts, index), tests.get(channelId(channel)) ?? null, subject),
      ),
    );
  },
};

async function judge(
  channel: ChannelConfig,
  name: string,
  test: ChannelTest | null,
  { store, clock }: WithStore,
): Promise<Finding> {
  const last = await store.db
    .selectFrom("alert_deliveries")
    .select(["state", "attempts", "error", "updated_at"])
    .where("channel", "=", channelId(channel))
    // What has not been tried yet says nothing.
    .where("attempts", ">", 0)
    .orderBy("updated_at", "desc")
    .limit(1)
    .executeTakeFirst();
  if (test !== null && test.at > (last?.updated_at ?? 0)) return judgeTest(name, test, clock.nowMs());
  if (last === undefined) return ok(name, "configured; nothing was sent yet: afk alert test");
  const when = formatRelative(last.updated_at, clock.nowMs());
  if (last.state === "sent") return ok(name, `the last alert was delivered ${when}`);
  const error = last.error ?? "for no stated reason";
  if (last.state === "failed")
    return bad(
      name,
      `the last alert was given up ${when}: ${error}`,
      "mend the channel, then: afk alert test",
    );
  return warn(
    name,
    `the last alert was not delivered ${when} (try ${last.attempts}, more follow): ${error}`,
    "afk alert test",
  );
}

/** By type, and by number where there are several of one; an address is a secret. */
function channelName(alerts: readonly ChannelConfig[], index: number): string {
  const type = alerts[index]?.type;
  const isOfType = (channel: ChannelConfig) => channel.type === type;
  const name = `${NAME} by ${type}`;
  return alerts.filter(isOfType).length === 1
    ? name
    : `${name} ${alerts.slice(0, index + 1).filter(isOfType).length}`;
}

function judgeTest(name: string, { at, error }: ChannelTest, nowMs: number): Finding {
  const when = formatRelative(at, nowMs);
  if (error === null) return ok(name, `the test of ${when} was taken`);
  return bad(name, `the test of ${when} was not taken: ${error}`, "mend the channel, then: afk alert test");
}
