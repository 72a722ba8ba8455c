import { lastingKey, lastsSince } from "../../alerts/lasting.ts";
import type { Announce } from "../../alerts/outbox.ts";
import type { SourceReport } from "../../jobs/job.ts";
import { dayIn } from "../../lib/days.ts";
import { asSentence } from "../../lib/text.ts";
import type { Trx } from "../../store/schema.ts";

export interface SourcesTold {
  /** Of the job that asked them. */
  name: string;
  key: string;
  tick: string;
  sources: readonly SourceReport[];
  nowMs: number;
  timezone: string;
  /** The job waits for all of them, instead of going on without one. */
  isWaiting?: boolean;
}

/**
 * Tells in the job's own transaction which sources failed, at every run to the log and once an outage as an alert, and which
 * work again. A source that comes and goes is told of once a day.
 */
export async function tellSources(trx: Trx, announce: Announce, told: SourcesTold): Promise<void> {
  for (const { id, label, error } of worstOfEach(told.sources)) {
    const thing = `${told.name}/${id}`;
    const since = await lastsSince(trx, { trouble: "source_failed", end: "source_recovered", thing });
    const common = { source: label, job: told.key, tick: told.tick };
    if (error !== null) {
      await announce(trx, {
        event: "source_failed",
        title: `${label} cannot be read`,
        message:
          `${asSentence(error)} The job ${told.name} ${told.isWaiting ? "has no other and waits for it" : "goes on without it and asks again at its next run"}. ` +
          "Look: afk logs --event source_failed --since 7d",
        key: lastingKey("source_failed", thing, since ?? dayIn(told.nowMs, told.timezone)),
        ...common,
      });
    } else if (since !== null) {
      await announce(trx, {
        event: "source_recovered",
        title: `${label} can be read again`,
        message: `It had failed since ${since}; the job ${told.name} has it again. Nothing is to be done. Look: afk logs --event source_failed --since ${since}`,
        key: lastingKey("source_recovered", thing, since),
        ...common,
      });
    }
  }
}

/** The same place may be named twice; it is down as long as one of them fails. */
function worstOfEach(sources: readonly SourceReport[]): SourceReport[] {
  const byId = new Map<string, SourceReport>();
  for (const source of sources) {
    const known = byId.get(source.id);
    if (known === undefined || known.error === null) byId.set(source.id, source);
  }
  return [...byId.values()];
}
