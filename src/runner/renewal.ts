import type { Outbox } from "../alerts/outbox.ts";
import type { Config } from "../config/config.ts";
import type { LiveConfig, Refused } from "../config/live.ts";
import { differenceOf, factsOf } from "../evidence/release/facts.ts";
import { type Clock, toIso } from "../lib/clock.ts";
import type { Log } from "../lib/log.ts";
import { asSentence } from "../lib/text.ts";
import { type JobRow, PermanentFailure } from "../queue/job.ts";
import type { Store } from "../store/store.ts";
import type { Parts, Renewed } from "./parts.ts";

export interface Renewal {
  latest(): Renewed;
  /** Takes over what a person changed in afk.yaml since the last time, and tells of a file that is refused. */
  renew(): Promise<Renewed>;
}

export function createRenewal(of: {
  live: LiveConfig;
  make(config: Config): Renewed;
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
      if (refused !== null) await tellRefused(of, refused, of.clock.nowMs());
      const config = of.live.current();
      if (JSON.stringify(config) !== JSON.stringify(latest.config)) latest = of.make(config);
      return latest;
    },
  };
}

/** What is known of a job; one that is not known may have been added since the tick began. Throws PermanentFailure. */
export async function findEntry(parts: Parts, job: JobRow) {
  const kind = parts.kinds.find((candidate) => candidate.kind === job.kind);
  const entryIn = ({ config }: Pick<Parts, "config">) =>
    config.jobs.find(({ name, kind }) => name === job.name && kind === job.kind);
  const made = entryIn(parts) === undefined ? await parts.renew() : parts;
  const entry = entryIn(made);
  if (kind === undefined || entry === undefined) {
    throw new PermanentFailure(
      "unknown_job",
      `afk.yaml has no job named ${job.name} of kind ${job.kind}; put it back and: afk dead retry ${job.key}`,
    );
  }
  return { kind, entry, made };
}

/** Says in words what another configuration changed; secrets are told of without their values. */
export function tellChanged(log: Log, before: Config, now: Config): void {
  const changes = differenceOf(factsOf(before), factsOf(now));
  log.event("info", "config_changed", {
    changes: changes.length === 0 ? ["a secret, or a setting of the page"] : changes,
  });
}

async function tellRefused(
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
      key: `config_refused:${hash.slice(0, 16)}:${toIso(nowMs).slice(0, 10)}`,
    }),
  );
}
