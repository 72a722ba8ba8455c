import type { DatabaseTarget } from "../../lib/database-target.ts";
import { StoreRefused } from "../errors.ts";
import type { Reader } from "../reader.ts";
import type { Db } from "../schema.ts";
import { followChanges } from "./changes.ts";
import { refuseClosed } from "./closed.ts";
import { sectionOf, within } from "./dialect.ts";
import { explain } from "./errors.ts";
import { isWhole, refuseNewer } from "./levels.ts";
import { Pool } from "./pool.ts";
import { describe } from "./where.ts";

const READ_ONLY = "isolation level repeatable read read only";
/** The first statement takes the snapshot; after it, nothing makes the transaction one that writes. */
const SNAPSHOT = "select 1";

/** Looks at an agent's schema, by one session that is opened when it is needed. Nothing is made or migrated. */
export function openPostgresReader(target: DatabaseTarget): Reader {
  const where = describe(target);
  const pool = new Pool(target);
  let queue: Promise<unknown> = Promise.resolve();

  async function readNow<T>(work: (db: Db) => Promise<T>): Promise<T> {
    try {
      return await pool.run(async (session) => {
        await session.begin(READ_ONLY, SNAPSHOT);
        try {
          return await within(session, (root) => work(sectionOf(root, session)));
        } finally {
          await session.undo();
        }
      });
    } catch (error) {
      throw explain(error, where);
    }
  }

  return {
    read(work) {
      const result = queue.then(() => readNow(work));
      // Whoever asked is told; the queue only waits.
      queue = Promise.allSettled([result]);
      return result;
    },
    async isMigrated(db) {
      const applied = await refuseNewer(db, target.schema);
      if (applied.length === 0) return false;
      if (isWhole(applied)) {
        await refuseClosed(db, where);
        return true;
      }
      const message = `${where} was made by an older version of afk, and this one reads it once it is migrated: its next tick or afk run does that. Until then, look with the version that is at work`;
      throw new StoreRefused("store_older", message);
    },
    changes: followChanges({
      schema: target.schema,
      onSession: (work) => pool.run(work),
      // It writes nothing.
      ownUpTo: () => 0,
      where,
    }),
    isReplaced: () => false,
    async close() {
      await queue;
      await pool.close();
    },
  };
}
