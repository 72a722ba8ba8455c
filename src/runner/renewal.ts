import { createOutbox, type OutboxOptions } from "../alerts/outbox.ts";
import type { Config } from "../config/config.ts";
import type { LiveConfig, Refused } from "../config/live.ts";
import { differenceOf, factsOf } from "../evidence/release/facts.ts";
import { toIso } from "../lib/clock.ts";
import type { Log } from "../lib/log.ts";
import { createLearningRedactor } from "../lib/redact.ts";
import { asSentence, endOfError } from "../lib/text.ts";
import { createLog, type LogOptions } from "../logs/writer.ts";
import type { FleetCap } from "../rails/fleet-cap.ts";
import { createKillWatch } from "../rails/kill-watch.ts";
import type { Rails } from "../rails/rails.ts";
import type { Store } from "../store/store.ts";
import type { Configured } from "./dependencies.ts";
import { createSender, type Sender } from "./sender.ts";

/** Rails, outbox and log that go by the configuration as it is now, whenever they are used. */
export function createLiveRails(
  live: LiveConfig,
  of: Pick<OutboxOptions, "clock" | "onAlert"> & { store: Store; onLogLine: LogOptions["sink"] | undefined },
): {
  rails: Rails;
  log: Log & { close(): void };
  noteChange(before: Config, now: Config): void;
  sender: Sender;
} {
  const { store, clock } = of;
  const onAlert: OutboxOptions["onAlert"] = (alert) => {
    sender.wake();
    return of.onAlert?.(alert);
  };
  const { agent, paths, secrets, database, fleet } = live.current();
  // Its tables are made when the state is opened: one that is added to afk.yaml holds from the next start.
  const fleetCap = (): FleetCap | null =>
    database === null || fleet.dailyCapMicros === null
      ? null
      : { agent: database.schema, capMicros: live.current().fleet.dailyCapMicros ?? fleet.dailyCapMicros };
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
  const rails: Rails = {
    store,
    outbox: createOutbox({
      agent,
      clock,
      log,
      redact,
      onAlert,
      get timezone() {
        return live.current().timezone;
      },
    }),
    clock,
    log,
    // Asked for at each reservation: a cap that was lowered holds for the next call, also in the middle of a job.
    get budget() {
      return { budget: live.caps(), timezone: live.current().timezone, fleet: fleetCap() };
    },
    get breaker() {
      return live.current().breaker;
    },
    stopFile: paths.stopFile,
    machine: null,
    watch: createKillWatch(store, paths.stopFile),
  };
  const { current, hasNews } = live;
  const { outbox, watch } = rails;
  const sender = createSender({ store, outbox, clock, log, current, hasNews, watch });
  const noteChange = (before: Config, now: Config) => {
    learn(now.secrets);
    // In words, secrets without their values.
    const changes = differenceOf(factsOf(before), factsOf(now));
    if (changes.length === 0)
      changes.push("a secret, or where page or gateway listen, which holds from the next start");
    log.event("info", "config_changed", { changes });
  };
  return { rails, log, noteChange, sender };
}

/** The configuration in use, with what is made from it. */
interface Renewal {
  latest(): Configured;
  /** Takes over what a person changed in afk.yaml since the last time, and reports a file that is refused. */
  renew(): Promise<Configured>;
}

/** Makes what goes by the configuration once, and anew whenever that was changed. */
export function createRenewal(live: LiveConfig, rails: Rails, make: (config: Config) => Configured): Renewal {
  let latest = make(live.current());
  return {
    latest: () => latest,
    async renew() {
      const refused = await live.takeOver(rails.watch.signal);
      if (refused !== null) await reportRefused(rails, refused);
      const config = live.current();
      if (JSON.stringify(config) !== JSON.stringify(latest.config)) latest = make(config);
      return latest;
    },
  };
}

/** A refusal names the key and what to write. */
const REFUSAL_CHARS_MAX = 300;

async function reportRefused({ store, outbox, clock }: Rails, { error, hash }: Refused): Promise<void> {
  await store.atomically((trx) =>
    outbox.announce(trx, {
      event: "config_refused",
      title: "The configuration was changed, and refused",
      message: `${asSentence(endOfError(error.message, REFUSAL_CHARS_MAX))} The last good one goes on, with the lower of both caps. Look: afk doctor`,
      // On another day the same mistake is another one.
      subject: "",
      occurrence: `${hash.slice(0, 16)}:${toIso(clock.nowMs()).slice(0, 10)}`,
    }),
  );
}
