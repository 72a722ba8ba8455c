import { toIso } from "../../lib/clock.ts";
import { StoreRefused } from "../errors.ts";
import { readMeta } from "../meta.ts";
import type { Db } from "../schema.ts";

/**
 * A state is closed by taking its gate's row away: no section of any process, of any version, passes any more.
 * @throws StoreRefused where it is, with what to do.
 */
export async function refuseClosed(db: Db, where: string): Promise<void> {
  if ((await db.selectFrom("gate").select("id").executeTakeFirst()) !== undefined) return;
  throw new StoreRefused("store_closed", await closedText(db, where));
}

async function closedText(db: Db, where: string): Promise<string> {
  if ((await readMeta(db, "moving_in_at")) > 0)
    return `a move into ${where} has not ended; say it again where it was begun: afk move --to postgres`;
  const movedAt = await readMeta(db, "moved_away_at");
  if (movedAt > 0)
    return `the state was moved away from ${where} at ${toIso(movedAt)}; work where it is now, without DATABASE_URL (if that move has not ended, say it again where it was begun: afk move --to sqlite)`;
  return `the gate's row is missing from ${where}; restore a backup`;
}
