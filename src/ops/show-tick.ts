import type { Db } from "../store/schema.ts";

/** A tick with what it came to. Instants in epoch milliseconds, money in micro-dollars. */
export type TickDetail = NonNullable<Awaited<ReturnType<typeof showTick>>>;

/** The tick of an id; undefined where there is none. */
export async function showTick(db: Db, id: string) {
  const row = await db.selectFrom("ticks").selectAll().where("id", "=", id).executeTakeFirst();
  if (row === undefined) return undefined;
  const { started_at: startedAt, finished_at: finishedAt, cost_micros: costMicros, ...tick } = row;
  return { ...tick, startedAt, finishedAt, costMicros, byHand: row.by_hand === 1 };
}

/** The runs with these keys, with their ids. */
export async function idsOfKeys(db: Db, keys: readonly string[]): Promise<{ id: string; key: string }[]> {
  if (keys.length === 0) return [];
  return await db.selectFrom("jobs").select(["id", "key"]).where("key", "in", keys).orderBy("id").execute();
}
