import type Database from "better-sqlite3";
import type { Db, Trx } from "./schema.ts";
import { openToRead } from "./sqlite/open-reader.ts";

/** The agent that the state belongs to; null for one that no agent has opened yet. */
export async function readOwner(db: Db): Promise<string | null> {
  const row = await db.selectFrom("owners").select("agent").orderBy("id", "desc").limit(1).executeTakeFirst();
  return row?.agent ?? null;
}

/** Gives the state to an agent; to whom it belonged before stays written down. */
export async function setOwner(trx: Trx, agent: string, nowMs: number): Promise<void> {
  await trx.insertInto("owners").values({ agent, since_at: nowMs }).execute();
}

/**
 * The same of a database that somebody else may be at work on and that an older afk may have written; null where nothing
 * can be told. Only reads, and throws nothing.
 */
export function peekOwner(path: string): string | null {
  let database: Database.Database | undefined;
  try {
    database = openToRead(path);
    const row = database
      .prepare<[], { agent: string }>("select agent from owners order by id desc limit 1")
      .get();
    return row?.agent ?? null;
  } catch {
    return null;
  } finally {
    database?.close();
  }
}
