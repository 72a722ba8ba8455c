import { sql } from "kysely";
import { StoreRefused } from "../errors.ts";
import type { Db } from "../schema.ts";

/**
 * Reads every page: structure, indexes against their tables, and the constraints against the rows. Costs about 3 ms a MiB.
 * @throws StoreRefused when anything is wrong.
 */
export async function refuseDamage(db: Db, path: string): Promise<void> {
  const { rows } = await sql<{ integrity_check: string }>`pragma integrity_check(3)`.execute(db);
  const found = rows.map((row) => row.integrity_check);
  if (found.length === 1 && found[0] === "ok") return;
  throw new StoreRefused(
    "store_damaged",
    `${path} is damaged (${found.join("; ").replaceAll("\n", " ").slice(0, 300)}). Restore a backup, or stop every worker and move the file away to start anew`,
  );
}
