import { createOutbox, type Outbox, type OutboxOptions } from "../alerts/outbox.ts";
import type { Config } from "../config/config.ts";
import type { LiveConfig, Refused } from "../config/live.ts";
import { differenceOf, factsOf } from "../evidence/release/facts.ts";
import { type Clock, toIso } from "../lib/clock.ts";
import type { Log } from "../lib/log.ts";
import { createLearningRedactor } from "../lib/redact.ts";
import { asSentence } from "../lib/text.ts";
import { createLog } from "../logs/writer.ts";
import { createKillWatch } from "../rails/kill-watch.ts";
import type { Rails } from "../rails/rails.ts";
import type { Store } from "../store/store.ts";
import type { Configured } from "./dependencies.ts";

/** Rails, outbox and log that go by the configuration as it is now, whenever they are used. */
export function createLiveRails(
  live: LiveConfig,
  of: {
    store: Store;
    clock: Clock;
    onAlert: OutboxOptions["onAlert"];
    onLogLine: ((line: string) => void) | undefined;
  },
): { rails: Rails; log: Log & { close(): void }; noteChange(before: Config, now: Config): void } {
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
    noteChange(before, now) {
      learn(now.secrets);
      logChanged(log, before, now);
    },
  };
}

/** The configuration in use, with what is made from it. */
export interface Renewal {
  latest(): Configured;
  /** Takes over what a person changed in afk.yaml since the last time, and reports a file that is refused. */
  renew(): Promise<Configured>;
}

/** Makes what goes by the configuration once, and anew whenever that was changed. */
export function createRenewal(of: {
  live: LiveConfig;
  make(config: Config): Configured;
  store: Store;
  outbox: Outbox;
  clock: Clock;
  /** Ends the wait for a file that is being written. */
  signal: AbortSignal;
}): Renewal {
  let latest = of.make(of.live.current());
  return {
    latest: () => latest,
    async renew() {
      const refused = await of.live.takeOver(of.signal);
      if (refused !== null) await reportRefused(of, refused, of.clock.nowMs());
      const config = of.live.current();
      if (JSON.stringify(config) !== JSON.stringify(latest.config)) latest = of.make(config);
      return latest;
    },
  };
}

/** Logs in words what another configuration changed; secrets without their values. */
function logChanged(log: Log, before: Config, now: Config): void {
  const changes = differenceOf(factsOf(before), factsOf(now));
  log.event("info", "config_changed", {
    changes: changes.length === 0 ? ["a secret, or a setting of the page"] : changes,
  });
}

async function reportRefused(
  { store, outbox }: { store: Store; outbox: Outbox },
  { error, hash }: Refused,
  nowMs: number,
): Promise<void> {
  await store.atomically((trx) =>
    outbox.announce(trx, {
      event: "config_refused",
      title: "The configuration was changed, and refused",
      message: `${asSentence(error.message)} The last good one goes on, with the lower of both caps. Look: afk doctor`,
      // On another day the same mistake is another one.
      subject: "",
      occurrence: `${hash.slice(0, 16)}:${toIso(nowMs).slice(0, 10)}`,
    }),
  );
}
