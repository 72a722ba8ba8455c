import { formatRelative } from "../../lib/duration-text.ts";
import { readMeta } from "../../store/meta.ts";
import { bad, type Examination, ok, type WithConfig, type WithStore, warn } from "./check.ts";

const NAME = "off-host ping";

/** A machine that is gone cannot say so: only something elsewhere notices that it went quiet. */
export const offHostPing: Examination<WithConfig> = {
  group: "alerts",
  name: NAME,
  look: ({ config: { heartbeat } }) => {
    if (heartbeat.pingUrl !== null) return [ok(NAME, `in the style of ${heartbeat.style}`)];
    return [
      warn(
        NAME,
        "none: nobody notices when this machine is gone",
        "set heartbeat.ping_url to a check of healthchecks.io or Uptime Kuma",
      ),
    ];
  },
};

/** What became of the last ping; the tick remembers since when they fail. */
export const pingsTaken: Examination<WithStore> = {
  group: "alerts",
  name: "pings taken",
  look: async ({ config: { heartbeat }, store, clock }) => {
    const failingSince = await readMeta(store.db, "ping_failed_at");
    if (heartbeat.pingUrl === null || failingSince === 0) return [];
    return [
      bad(
        "pings taken",
        `no ping was taken since ${formatRelative(failingSince, clock.nowMs())}`,
        "see why with: afk logs --event ping_failed, and check heartbeat.ping_url",
      ),
    ];
  },
};
