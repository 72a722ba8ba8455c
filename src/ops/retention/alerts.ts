import { type AlertEvent, keyOf } from "../../alerts/events.ts";
import { AGENT, UNITS } from "../../lib/windows.ts";
import { subjectOf } from "../../rails/budget-notices.ts";
import { addToMeta } from "../../store/meta.ts";
import type { Trx } from "../../store/schema.ts";
import { type Ages, deleteRows, idAt, nextAfter, type Sweep } from "./sweep.ts";

/** The subjects of a run's full cap, in each unit. */
const CAPS_OF_A_RUN = UNITS.map(({ name: unit }) => subjectOf({ window: "job", scope: AGENT, unit }));

/** Alerts that one step looks at: of each others may be looked for. */
const ALERTS = 20;

/**
 * Removes old alerts with their deliveries. An alert's key is what keeps the same trouble from being announced twice, so
 * the newest one of a trouble that may still last stays, and its end as long as that.
 */
export const alertsSweep: Sweep = {
  name: "alerts",
  async step(trx, ages, after) {
    const alerts = await readOld(trx, ages, after);
    const gone: OldAlert[] = [];
    for (const alert of alerts)
      if (!alert.is_held && !(await isLatestOfLasting(trx, alert)) && !(await endsKnown(trx, alert)))
        gone.push(alert);
    await removeDeliveries(trx, gone);
    return { removed: await deleteRows(trx, "alerts", gone), next: nextAfter(alerts, ALERTS) };
  },
};

type OldAlert = Awaited<ReturnType<typeof readOld>>[number];

/**
 * Old alerts, and whether they are held: on their way still, what an incident that lasts is about, the cap that a waiting
 * job stands at, or raised lately by a clock that was behind.
 */
async function readOld(trx: Trx, { historyMs }: Ages, after: string) {
  return await trx
    .selectFrom("alerts")
    .select(["id", "event", "subject", "occurrence"])
    .select(({ and, or, eb, exists, selectFrom }) =>
      or([
        exists(
          selectFrom("alert_deliveries")
            .select("alert_id")
            .whereRef("alert_id", "=", "alerts.id")
            .where("state", "=", "pending"),
        ),
        exists(
          selectFrom("incidents")
            .select("incidents.id")
            .whereRef("incidents.event", "=", "alerts.event")
            .whereRef("incidents.subject", "=", "alerts.subject")
            .whereRef("incidents.opened_at", "=", "alerts.created_at")
            .where("incidents.recovered_at", "is", null)
            .where("incidents.closed_at", "is", null),
        ),
        and([
          eb("alerts.event", "=", "cap_hit"),
          eb("alerts.subject", "in", CAPS_OF_A_RUN),
          exists(
            selectFrom("jobs")
              .select("jobs.id")
              .whereRef("jobs.key", "=", "alerts.occurrence")
              .where("jobs.state", "in", ["ready", "running"]),
          ),
        ]),
        eb("alerts.kept_from", ">=", historyMs),
      ]).as("is_held"),
    )
    .where("id", ">", after)
    .where("id", "<", idAt(historyMs))
    .orderBy("id")
    .limit(ALERTS)
    .execute();
}

/** What can last for longer than alerts are kept; each time it is seen it is the same alert again. */
const LASTING: readonly string[] = [
  "breaker_open",
  "source_failed",
  "kill_set",
  "heartbeat_late",
  "no_output",
  "drift_found",
  "clock_jump",
] satisfies AlertEvent[];

/** Whether no newer one is about the same. */
async function isLatestOfLasting(trx: Trx, { id, event, subject }: OldAlert): Promise<boolean> {
  if (!LASTING.includes(event)) return false;
  const newer = await trx
    .selectFrom("alerts")
    .select("id")
    .where("event", "=", event)
    .where("subject", "=", subject)
    .where("id", ">", id)
    .limit(1)
    .executeTakeFirst();
  return newer === undefined;
}

/** An end whose trouble is still known would be announced again. */
async function endsKnown(trx: Trx, { event, subject, occurrence }: OldAlert): Promise<boolean> {
  if (event !== "recovered" && event !== "source_recovered") return false;
  const isSource = event === "source_recovered";
  const trouble = isSource ? { event: "source_failed", subject } : { event: subject, subject: "" };
  const known = await trx
    .selectFrom("alerts")
    .select("id")
    .where("key", "=", keyOf({ ...trouble, occurrence }))
    .executeTakeFirst();
  return known !== undefined;
}

async function removeDeliveries(trx: Trx, alerts: readonly OldAlert[]): Promise<void> {
  if (alerts.length === 0) return;
  const ids = alerts.map(({ id }) => id);
  const failed = await trx
    .selectFrom("alert_deliveries")
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .where("state", "=", "failed")
    .where("alert_id", "in", ids)
    .executeTakeFirstOrThrow();
  await addToMeta(trx, "forgotten_deliveries_failed", Number(failed.count));
  await trx.deleteFrom("alert_deliveries").where("alert_id", "in", ids).execute();
}
