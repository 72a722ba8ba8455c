import type { Selectable } from "kysely";
import type { ReceiverConfig } from "../config/deliver.ts";
import type { Outcome, ResultsTable } from "../store/schema/results.ts";
import type { Db, Trx } from "../store/schema.ts";
import { quietUntil } from "./quiet-hours.ts";
import { channelOfTarget } from "./receivers.ts";
import type { RunReport } from "./report.ts";

/** A run, as the queue has it. */
interface RunOf {
  id: string;
  key: string;
  name: string;
  label: string;
  slot_at: number;
}

/** How a run ended, or how far it is, and who may want to know. */
interface NewResult {
  run: RunOf;
  outcome: Outcome;
  told: RunReport;
  receivers: readonly ReceiverConfig[];
  timezone: string;
  nowMs: number;
}

/**
 * Keeps a result and adds a delivery for each receiver that wants it, in the transaction that ends the run. A result that is
 * no news and that nobody wants is not kept. A run that ends a second time, after a person has retried it, is told of again.
 * What was said of how far the run is goes with its end, and the word that it failed, where it waits still, once it is done.
 * Gives how many deliveries were added.
 */
export async function saveResult(trx: Trx, result: NewResult): Promise<number> {
  const { run, outcome, told, nowMs } = result;
  const wanting = result.receivers.filter((receiver) => isWanted(receiver, outcome, told.isNews));
  if (outcome !== "progress") await forgetProgress(trx, run.id);
  if (outcome === "done") await forgetDeath(trx, run.id);
  if (wanting.length === 0 && !(outcome === "done" && told.isNews)) return 0;
  const { isNews, ...report } = told;
  const content = { is_news: isNews ? 1 : 0, report: JSON.stringify(report), created_at: nowMs };
  await trx
    .insertInto("results")
    .values({ job_id: run.id, name: run.name, label: run.label, slot_at: run.slot_at, outcome, ...content })
    .onConflict((conflict) => conflict.columns(["job_id", "outcome"]).doUpdateSet(content))
    .execute();
  for (const receiver of wanting) await addDelivery(trx, result, receiver);
  return wanting.length;
}

/** Whether a receiver gets a result. Files and feeds hold results, and not how far one is. */
export function isWanted({ when, target }: ReceiverConfig, outcome: Outcome, isNews: boolean): boolean {
  if (outcome === "progress") return target.type === "channel" && when !== "failed";
  if (outcome === "dead") return when !== "new";
  return when === "always" || (when === "new" && isNews);
}

/** `job:period:receiver`; behind it the outcome, unless that is `done`. */
export function deliveryKey(run: Pick<RunOf, "key">, outcome: Outcome, receiver: string): string {
  return `${run.key}:${receiver}${outcome === "done" ? "" : `:${outcome}`}`;
}

async function addDelivery(trx: Trx, result: NewResult, { name, target, quietHours }: ReceiverConfig) {
  const { run, outcome, timezone, nowMs } = result;
  const quietMs = quietHours === null ? null : quietUntil(quietHours, timezone, nowMs);
  const anew = {
    channel: channelOfTarget(target),
    state: "pending",
    attempts: 0,
    parts_taken: 0,
    next_at: quietMs ?? nowMs,
    error: null,
    created_at: nowMs,
    updated_at: nowMs,
  } as const;
  await trx
    .insertInto("deliveries")
    .values({ key: deliveryKey(run, outcome, name), job_id: run.id, outcome, receiver: name, ...anew })
    .onConflict((conflict) => conflict.column("key").doUpdateSet(anew))
    .execute();
}

async function forgetProgress(trx: Trx, job_id: string): Promise<void> {
  await trx.deleteFrom("deliveries").where("job_id", "=", job_id).where("outcome", "=", "progress").execute();
  await trx.deleteFrom("results").where("job_id", "=", job_id).where("outcome", "=", "progress").execute();
}

async function forgetDeath(trx: Trx, job_id: string): Promise<void> {
  await trx
    .deleteFrom("deliveries")
    .where("job_id", "=", job_id)
    .where("outcome", "=", "dead")
    .where("state", "=", "pending")
    .execute();
}

/** The newest result of a job that was done with news in it; else its newest of all. Undefined where it has none. */
export async function lastResult(db: Db, name: string): Promise<Selectable<ResultsTable> | undefined> {
  return await db
    .selectFrom("results")
    .selectAll()
    .where("name", "=", name)
    .where("outcome", "!=", "progress")
    .orderBy((e) => e.case().when("outcome", "=", "done").then(0).else(1).end())
    .orderBy("is_news", "desc")
    .orderBy("created_at", "desc")
    .orderBy("job_id", "desc")
    .limit(1)
    .executeTakeFirst();
}
