import type { Db } from "../store/schema.ts";

/** How many results wait for a receiver, and how many were given up. */
export interface DeliveryCounts {
  pending: number;
  dead: number;
}

/** Counts the deliveries that are kept. */
export async function deliveryCounts(db: Db): Promise<DeliveryCounts> {
  const rows = await db
    .selectFrom("deliveries")
    .select(["state", (e) => e.fn.countAll<number>().as("count")])
    .where("state", "in", ["pending", "dead"])
    .groupBy("state")
    .execute();
  const of = (state: string) => Number(rows.find((row) => row.state === state)?.count ?? 0);
  return { pending: of("pending"), dead: of("dead") };
}

/** When the next delivery is due, in epoch milliseconds; null when none waits. */
export async function nextDeliveryAt(db: Db): Promise<number | null> {
  const row = await db
    .selectFrom("deliveries")
    .select((e) => e.fn.min<number>("next_at").as("at"))
    .where("state", "=", "pending")
    .executeTakeFirst();
  return row?.at == null ? null : Number(row.at);
}
