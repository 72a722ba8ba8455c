import type { Announce } from "../alerts/outbox.ts";
import type { Trx } from "../store/schema.ts";

const TITLES = {
  failover_seen: "The database failed over",
  clock_jump: "The database's clock jumped",
} as const;

/**
 * Tells of what was found wrong with the database as a whole (`database_events`): the store writes that down where there is no outbox
 * yet, and whoever has one tells of it once.
 */
export async function tellEvents(trx: Trx, announce: Announce, nowMs: number): Promise<void> {
  const untold = trx.selectFrom("database_events").selectAll().where("told_at", "is", null);
  const events = await untold.orderBy("generation").execute();
  for (const { event, generation, reason } of events) {
    const title = TITLES[event];
    const message =
      event === "failover_seen" ? `${capitalized(reason)}. No model is called until then` : reason;
    await announce(trx, { event, title, message, subject: "database", occurrence: String(generation) });
  }
  if (events.length === 0) return;
  await trx.updateTable("database_events").set({ told_at: nowMs }).where("told_at", "is", null).execute();
}

/** Writes that a person has let the work go on after what was found. Gives what that was, in words. */
export async function confirmEvents(trx: Trx, nowMs: number): Promise<string[]> {
  const open = trx.selectFrom("database_events").select("reason").where("confirmed_at", "is", null);
  const events = await open.orderBy("generation").execute();
  if (events.length === 0) return [];
  const all = trx.updateTable("database_events").set({ confirmed_at: nowMs });
  await all.where("confirmed_at", "is", null).execute();
  return events.map(({ reason }) => reason);
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
