import { sql } from "kysely";
import type { Rails } from "../../../src/rails/rails.ts";

/** How many rows each table has. */
export async function countRows({ store }: Pick<Rails, "store">): Promise<Record<string, number>> {
  const { rows: tables } = await sql<{ name: string }>`
    select name from sqlite_master where type = 'table' and name not like 'sqlite_%'`.execute(store.db);
  const counts: Record<string, number> = {};
  for (const { name } of tables) {
    const { rows } = await sql<{ n: number }>`select count(*) as n from ${sql.table(name)}`.execute(store.db);
    counts[name] = rows[0]?.n ?? 0;
  }
  return counts;
}

/** Every row that waits for a call, a runner, a receiver or a person, whole. */
export async function openThings({ store }: Pick<Rails, "store">): Promise<Record<string, unknown[]>> {
  const open: Record<string, unknown[]> = {};
  for (const [name, query] of Object.entries(OPEN))
    open[name] = (await sql.raw(query).execute(store.db)).rows;
  return open;
}

const MAY_RUN = `(state in ('ready', 'running') or id in (select job_id from dead_letters))`;

const OPEN = {
  calls: "select * from ledger where state in ('reserved', 'sending', 'unknown') order by id",
  jobs: `select * from jobs where ${MAY_RUN} order by id`,
  callsOfJobs: `select * from ledger where job in (select key from jobs where ${MAY_RUN}) order by id`,
  windowsOfJobs: `select * from budget_windows where "window" = 'job' and period in (select key from jobs where ${MAY_RUN}) order by period`,
  steps: `select * from steps where job_id in (select id from jobs where ${MAY_RUN}) order by job_id, name`,
  letters: "select * from dead_letters order by job_id",
  drafts: "select * from drafts where state not in ('done', 'rejected') order by id",
  draftingJobs:
    "select * from jobs where id in (select job_id from drafts where state not in ('done', 'rejected')) order by id",
  files: "select * from outputs where state = 'pending' order by name",
  deliveries: "select * from alert_deliveries where state = 'pending' order by alert_id, channel",
  alerts:
    "select * from alerts where id in (select alert_id from alert_deliveries where state = 'pending') order by id",
};
