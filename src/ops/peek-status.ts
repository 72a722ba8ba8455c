import { peek } from "./peek.ts";
import { readStatus, type Status, type StatusSources } from "./status.ts";
import { lookNow } from "./worker.ts";

/**
 * The status by a connection that cannot write, of one moment: a glance needs no models, no outbox and no migrations, and
 * loading those takes longer than the look. Null where the database has to be made, migrated, refused or told of first.
 */
export async function peekStatus(sources: Omit<StatusSources, "db" | "look">): Promise<Status | null> {
  // Before the first statement, with which the moment that is shown begins.
  const look = lookNow(sources.config, sources.clock);
  const seen = await peek(sources.config, ({ config, db }) => readStatus({ ...sources, config, db, look }));
  return seen?.value ?? null;
}
