import type { Selectable } from "kysely";
import { prepared } from "../../store/prepared.ts";
import type { JobMemoryTable } from "../../store/schema/queue.ts";
import type { Db } from "../../store/schema.ts";

/** What a run of the job kept; null where there is nothing. */
export async function recall(db: Db, jobName: string, key: string): Promise<string | null> {
  const row = await db
    .selectFrom("job_memory")
    .select("value")
    .where("job_name", "=", jobName)
    .where("key", "=", key)
    .executeTakeFirst();
  return row?.value ?? null;
}

/** Keeps it for later runs, in the transaction that marks the job done. */
export const keepInMemory = prepared((db, kept: Selectable<JobMemoryTable>) =>
  db
    .insertInto("job_memory")
    .values({ job_name: kept.job_name, key: kept.key, value: kept.value, updated_at: kept.updated_at })
    .onConflict((conflict) =>
      conflict.columns(["job_name", "key"]).doUpdateSet((eb) => ({
        value: eb.ref("excluded.value"),
        updated_at: eb.ref("excluded.updated_at"),
      })),
    ),
);
