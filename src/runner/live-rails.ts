import { createOutbox, type OutboxOptions } from "../alerts/outbox.ts";
import type { Config } from "../config/config.ts";
import type { LiveConfig } from "../config/live.ts";
import type { Clock } from "../lib/clock.ts";
import type { Log } from "../lib/log.ts";
import { createLearningRedactor } from "../lib/redact.ts";
import { createLog } from "../logs/writer.ts";
import { createKillWatch } from "../rails/kill-watch.ts";
import type { Rails } from "../rails/rails.ts";
import type { Store } from "../store/store.ts";
import { tellChanged } from "./renewal.ts";

/** Rails, outbox and log that go by the configuration as it is now, whenever they are used. */
export function createLiveRails(
  live: LiveConfig,
  of: {
    store: Store;
    clock: Clock;
    onAlert: OutboxOptions["onAlert"];
    onLogLine: ((line: string) => void) | undefined;
  },
): { rails: Rails; log: Log & { close(): void }; seeChange(before: Config, now: Config): void } {
  const { store, clock, onAlert } = of;
  const { agent, paths, secrets } = live.current();
  const { redact, learn } = createLearningRedactor(secrets);
  const log = createLog({
    dir: paths.logs,
    clock,
    redact,
    get maxBytes() {
      return live.current().retention.logMaxBytes;
    },
    ...(of.onLogLine ? { sink: of.onLogLine } : {}),
  });
  const outbox = createOutbox({
    agent,
    clock,
    log,
    redact,
    get channels() {
      return live.current().alerts;
    },
    onAlert,
  });
  const rails: Rails = {
    store,
    outbox,
    clock,
    log,
    // Asked for at each reservation: a cap that was lowered holds for the next call, also in the middle of a job.
    get budget() {
      return { budget: live.caps(), timezone: live.current().timezone };
    },
    get breaker() {
      return live.current().breaker;
    },
    stopFile: paths.stopFile,
    watch: createKillWatch(store, paths.stopFile),
  };
  return {
    rails,
    log,
    seeChange(before, now) {
      learn(now.secrets);
      tellChanged(log, before, now);
    },
  };
}
