import { sql } from "kysely";
import type { AlertEvent } from "../../alerts/events.ts";
import { addToMeta } from "../../store/meta.ts";
import type { Trx } from "../../store/schema.ts";
import { type Ages, idAt, nextAfter, type Sweep, type Swept } from "./sweep.ts";

/** Alerts that one step looks at: each may be asked about by its key. */
const ALERTS = 20;

/**
 * Removes old alerts with their deliveries. An alert's key is what keeps the same trouble from being told of twice, so
 * the newest one of a trouble that may still last stays, and the word of its end as long as that.
 */
export const alertsSweep: Sweep = {
  name: "alerts",
  key: "sweep_alerts",
  async step(trx, ages, after): Promise<Swept> {
    const alerts = await readOld(trx, ages, after);
    const gone: string[] = [];
    for (const alert of alerts) {
      if (alert.held === 0 && !(await isLatestWord(trx, alert)) && !(await endsKnown(trx, alert)))
        gone.push(alert.id);
    }
    if (gone.length > 0) await remove(trx, gone);
    return { removed: gone.length, next: nextAfter(alerts, ALERTS) };
  },
};

interface OldAlert {
  id: string;
  key: string;
  event: string;
  /**
   * 1: on its way still, what an incident that lasts is about, the cap that a waiting job stands at, or told of by a clock
   * that was behind, since it came after one that is not old.
   */
  held: number;
}

async function readOld(trx: Trx, ages: Ages, after: string): Promise<OldAlert[]> {
  const old = idAt(ages.historyMs);
  const { rows } = await sql<OldAlert>`
    select id, key, event, exists (
        select 1 from alert_deliveries where alert_id = alerts.id and state = 'pending'
      ) or exists (
        select 1 from incidents where recovered_at is null and closed_at is null
          and incidents.event = alerts.event and opened_at = alerts.created_at
      ) or event = 'cap_hit' and exists (
        select 1 from jobs where state in ('ready', 'running') and jobs.key = substr(alerts.key, length('cap_hit:job:') + 1)
      ) or coalesce(rowid > (select min(rowid) from alerts where id >= ${old}), 0) as held
    from alerts where id > ${after} and id < ${old} order by id limit ${ALERTS}`.execute(trx);
  return rows;
}

/** What can last for longer than alerts are kept; each time it is seen it is told of again under the same key. */
const LASTING: readonly string[] = [
  "breaker_open",
  "source_failed",
  "kill_set",
  "heartbeat_late",
  "no_output",
  "drift_found",
  "clock_jump",
] satisfies AlertEvent[];

/** Keys are `<event>:<thing>:<what is once only>`: whether none that is newer is about the same thing. */
async function isLatestWord(trx: Trx, { id, key, event }: OldAlert): Promise<boolean> {
  if (!LASTING.includes(event)) return false;
  const prefix = key.slice(0, key.lastIndexOf(":") + 1);
  const newer = await trx
    .selectFrom("alerts")
    .select("id")
    .where("key", ">=", prefix)
    .where("key", "<", `${prefix.slice(0, -1)};`)
    .where("id", ">", id)
    // What follows is no further part of another thing's name.
    .where(sql<boolean>`instr(substr(key, ${prefix.length + 1}), ':') = 0`)
    .limit(1)
    .executeTakeFirst();
  return newer === undefined;
}

/** An end whose trouble is still known would be told of again. */
async function endsKnown(trx: Trx, { key, event }: OldAlert): Promise<boolean> {
  const trouble =
    event === "recovered"
      ? key.slice("recovered:".length)
      : event === "source_recovered"
        ? key.replace(/^source_recovered:/, "source_failed:")
        : null;
  if (trouble === null) return false;
  const known = await trx.selectFrom("alerts").select("id").where("key", "=", trouble).executeTakeFirst();
  return known !== undefined;
}

async function remove(trx: Trx, ids: readonly string[]): Promise<void> {
  const failed = await trx
    .selectFrom("alert_deliveries")
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .where("state", "=", "failed")
    .where("alert_id", "in", ids)
    .executeTakeFirstOrThrow();
  await addToMeta(trx, "forgotten_deliveries_failed", Number(failed.count));
  await trx.deleteFrom("alert_deliveries").where("alert_id", "in", ids).execute();
  await trx.deleteFrom("alerts").where("id", "in", ids).execute();
}
