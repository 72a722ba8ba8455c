import type { DatabaseTarget } from "../../lib/database-target.ts";
import { withinTime } from "./changes.ts";
import { explain } from "./errors.ts";
import { quoted, Session } from "./session.ts";
import { describe } from "./where.ts";

/** Looks at the kill switch on a connection that nothing else uses. */
export function createKillLooks(target: DatabaseTarget) {
  const text = `select set_at from ${quoted(target.schema)}.kill_switch where id = 1`;
  let session: Session | null = null;
  return {
    /** Whether it is set. @throws StoreUnreachable where nobody could look; the next look has a new connection. */
    async isSet(): Promise<boolean> {
      try {
        if (session === null || session.isLost()) session = await Session.open(target);
        const { client } = session;
        const { rows } = await withinTime(session, () => client.query<{ set_at: number | null }>(text));
        // A table without its row is damaged state, and counts as set wherever it is read.
        return rows[0]?.set_at !== null;
      } catch (error) {
        throw explain(error, describe(target));
      }
    },
    close: async () => await session?.drop(),
  };
}
