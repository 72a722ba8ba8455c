import { systemClock } from "../../lib/clock.ts";
import type { Db } from "../schema.ts";
import type { Changes } from "../store.ts";

/** Several who ask within this time share an answer. */
const FRESH_MS = 100;

/** What others have committed, by the generation that each section raises. `own`: how many of them this process made. */
export function followChanges(db: Db, own: () => number): Changes {
  let last: { at: number; seen: Promise<number> } | null = null;
  async function look(): Promise<number> {
    const row = await db
      .selectFrom("gate")
      .select("generation")
      .where("id", "=", 1)
      .executeTakeFirstOrThrow();
    return row.generation - own();
  }
  return {
    async seen() {
      const nowMs = systemClock.uptimeMs();
      if (last === null || nowMs - last.at >= FRESH_MS) last = { at: nowMs, seen: look() };
      return await last.seen;
    },
  };
}
