import { type Examination, ok, type WithConfig, warn } from "./check.ts";

const NAME = "off-host ping";

/** A machine that is gone cannot say so: only something elsewhere notices that it went quiet. */
export const offHostPing: Examination<WithConfig> = {
  group: "alerts",
  name: NAME,
  look: ({ config: { heartbeat } }) => {
    if (heartbeat.pingUrl !== null)
      return [ok(NAME, `${heartbeat.style} at ${new URL(heartbeat.pingUrl).host}`)];
    return [
      warn(
        NAME,
        "none: nobody notices when this machine is gone",
        "set heartbeat.ping_url to a check of healthchecks.io or Uptime Kuma",
      ),
    ];
  },
};
