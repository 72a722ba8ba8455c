import { sql } from "kysely";
import { DAY_MS } from "../../lib/durations.ts";
import type { Db } from "../schema.ts";
import type { Session } from "./session.ts";

/**
 * Commits. False where the server warned of it, as of a wait for the standby that was cancelled: it is on this server's disk,
 * and maybe on no other.
 */
export async function isCertain(connection: Session): Promise<boolean> {
  let hasWarned = false;
  const onNotice = () => {
    hasWarned = true;
  };
  connection.client.on("notice", onNotice);
  try {
    await connection.commit();
    return !hasWarned;
  } finally {
    connection.client.off("notice", onNotice);
  }
}

/** Whoever would still ask for a commit does so within minutes. */
const FORGET_MS = DAY_MS;

/** Removes what processes have left that ended long ago. */
export async function forgetCommits(db: Db): Promise<void> {
  await sql`delete from commits where at < extract(epoch from clock_timestamp()) * 1000 - ${sql.lit(FORGET_MS)}`.execute(
    db,
  );
}
