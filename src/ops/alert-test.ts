import type { Config } from "../config/config.ts";
import { type Clock, toIso } from "../lib/clock.ts";
import { openLog } from "./alerting.ts";
import { type Answer, sendDirectly } from "./direct-alert.ts";

/**
 * Sends a message through every channel, whatever events it wants, and gives what each answered. Needs no database,
 * so that the pager can be tried before anything else works.
 */
export async function testAlerts(config: Config, clock: Clock): Promise<Answer[]> {
  const log = openLog(config, clock);
  try {
    return await sendDirectly({
      notice: {
        event: "alert_test",
        title: "A test alert",
        message:
          "You asked for this with: afk alert test. Alerts of this agent arrive here. Nothing is wrong and nothing is to be done.",
        key: `alert_test:${toIso(clock.nowMs())}`,
      },
      agent: config.agent,
      channels: config.alerts,
      secrets: config.secrets,
      clock,
      log,
    });
  } finally {
    log.close();
  }
}
