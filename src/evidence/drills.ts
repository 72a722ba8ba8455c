import type { Selectable } from "kysely";
import type { DrillsTable } from "../store/schema/evidence.ts";
import type { Db, Trx } from "../store/schema.ts";

/** What a drill found, as the database keeps it. */
export type DrillRow = Selectable<DrillsTable>;

/** The drills that end a worker from outside of its own will; the clock asks for two of them. */
export const KILL_DRILLS: readonly string[] = ["stop-file", "stop-process", "systemctl", "wedge"];

/** Writes down what a drill found. */
export async function recordDrill(trx: Trx, row: DrillRow): Promise<void> {
  await trx.insertInto("drills").values(row).execute();
}

/** Every drill, the newest first. */
export async function listDrills(db: Db, limit: number): Promise<DrillRow[]> {
  return await db
    .selectFrom("drills")
    .selectAll()
    .orderBy("finished_at", "desc")
    .orderBy("id", "desc")
    .limit(limit)
    .execute();
}

/**
 * The drills that hold for a version and configuration, by name: those whose latest run with both has passed. One that
 * passed once and failed since does not.
 */
export async function passedDrills(db: Db, of: { version: string; configHash: string }) {
  const rows = await db
    .selectFrom("drills")
    .select(["name", "host", "finished_at as finishedAt", "figures", "file"])
    // Ids sort by the moment they were made.
    .where("id", "in", (eb) =>
      eb
        .selectFrom("drills")
        .select((latest) => latest.fn.max("id").as("id"))
        .where("version", "=", of.version)
        .where("config_hash", "=", of.configHash)
        .groupBy("name"),
    )
    .where("passed", "=", 1)
    .orderBy("name")
    .execute();
  return rows.map((row) => ({ ...row, figures: JSON.parse(row.figures) as Record<string, unknown> }));
}
