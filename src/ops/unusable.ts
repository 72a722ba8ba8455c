import { resolve } from "node:path";
import type { Notice } from "../alerts/outbox.ts";
import { processEnvironment } from "../config/environment.ts";
import { loadChannels } from "../config/load-channels.ts";
import { locate } from "../config/locations.ts";
import { NoAgent } from "../config/no-agent.ts";
import { type Clock, systemClock } from "../lib/clock.ts";
import type { Log } from "../lib/log.ts";
import { createRedactor } from "../lib/redact.ts";
import { createLog } from "../logs/writer.ts";
import { type Answer, sendDirectly, wanting } from "./direct-alert.ts";
import type { ConfigSources, KindsOf } from "./read-config.ts";

/** Where a command that alerts finds what it needs, also when half of it is broken. */
export interface PagerSources extends ConfigSources {
  kinds: KindsOf;
  clock?: Clock;
}

/** What is left to alert with when configuration or database cannot be used. */
export interface LastResort {
  state: string;
  send(notice: Notice): Promise<Answer[]>;
  /** Takes secrets out of what an error repeats. */
  redact(text: string): string;
  log: Log & { close(): void };
}

/** Bound on the log files where no configuration says one. */
const LOG_BYTES_MAX = 200 * 1024 * 1024;

/**
 * A way to alert that stands on nothing but the channels, read one by one from whatever afk.yaml there is and from
 * ALERT_WEBHOOK. The caller closes the log. Where there is no agent, and nobody to tell, that is the answer.
 * @throws NoAgent
 */
export function lastResort(sources: PagerSources, cause: unknown): LastResort {
  const environment = sources.environment ?? processEnvironment();
  const clock = sources.clock ?? systemClock;
  const cwd = process.cwd();
  const { agent, channels, secrets } = loadChannels({
    environment,
    configFile: sources.config,
    state: sources.state,
    jobKinds: [],
    cwd,
  });
  if (cause instanceof NoAgent && channels.length === 0) throw cause;
  const { state } = locate({ environment, configFile: sources.config, state: sources.state, cwd });
  const redact = createRedactor(secrets);
  const log = createLog({ dir: resolve(state, "logs"), clock, redact, maxBytes: LOG_BYTES_MAX });
  return {
    state,
    redact,
    log,
    send: (notice) =>
      sendDirectly({ notice, agent, channels: wanting(channels, notice.event), secrets, clock, log }),
  };
}
