import type { Db, Trx } from "./schema.ts";

/** Single values that belong to no table of their own. */
export type MetaKey =
  | "generation"
  | "counters_checked_at"
  | "stop_pinged_at"
  | "ping_failed_at"
  | "value_seen_up_to";

export async function readMeta(db: Db, key: MetaKey): Promise<number> {
  const row = await db.selectFrom("meta").select("value").where("key", "=", key).executeTakeFirst();
  return row?.value ?? 0;
}

export async function writeMeta(trx: Trx, key: MetaKey, value: number): Promise<void> {
  await trx
    .insertInto("meta")
    .values({ key, value })
    .onConflict((conflict) => conflict.column("key").doUpdateSet({ value }))
    .execute();
}
