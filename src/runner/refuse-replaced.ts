import { toIso } from "../lib/clock.ts";
import { messageOf } from "../lib/errors.ts";
import type { Log } from "../lib/log.ts";
import { formatUsd } from "../lib/money.ts";
import type { Kill } from "../rails/halt.ts";
import { announceKill, readReplaced } from "../rails/kill.ts";
import { StateReplaced } from "../store/errors.ts";
import type { Store } from "../store/store.ts";
import type { Uses } from "./dependencies.ts";

/** The process has to be gone soon: somebody else may be at work where its files were. */
const DELIVER_MS = 2_000;

/**
 * Says that the files of the state were replaced under this worker, wherever that can still be said: to the channels, by the
 * outbox of the files that it has open, and in the log. What it spent since it began is on the books of those alone; `readSpent`
 * says how much that is.
 * @throws StateReplaced when they were.
 */
export async function refuseReplaced(
  dependencies: Uses<"outbox" | "sender" | "store" | "log">,
  readSpent: () => Promise<string>,
): Promise<void> {
  const { store, log } = dependencies;
  const kill = readReplaced(store);
  if (kill === null) return;
  const sent = await quietly(log, () => report(dependencies, kill));
  const spent = await quietly(log, readSpent);
  const error = new StateReplaced(
    `${kill.reason} (seen at ${toIso(kill.at)}); it has ended. ${spent ?? "What it spent cannot be read any more"}; ${kill.remedy}`,
  );
  log.event("error", "state_replaced", { error: error.message, alerted: (sent ?? 0) > 0 });
  throw error;
}

/** @returns how many channels have taken the alert. */
async function report(
  { outbox, sender, store }: Uses<"outbox" | "sender" | "store">,
  kill: Kill,
): Promise<number> {
  await store.atomically((trx) => announceKill(trx, outbox.announce, kill));
  sender.wake();
  await sender.settled(DELIVER_MS);
  const sent = store.db
    .selectFrom("alert_deliveries")
    .innerJoin("alerts", "alerts.id", "alert_deliveries.alert_id")
    .where("event", "=", "kill_set")
    .where("subject", "=", kill.by)
    .where("occurrence", "=", String(kill.at))
    .where("state", "=", "sent");
  return (await sent.selectAll().execute()).length;
}

/** In a sentence, what a holder of the worker's lock has spent. */
export async function spentBy(store: Store, runner: string): Promise<string> {
  const row = await store.db
    .selectFrom("ledger")
    .select((eb) => [
      eb.fn.countAll<number>().as("calls"),
      eb.fn.sum<number>(eb.fn.coalesce("cost_micros", "estimate_micros")).as("micros"),
    ])
    .where("runner", "=", runner)
    .where("state", "<>", "released")
    .executeTakeFirstOrThrow();
  const [calls, micros] = [Number(row.calls), Number(row.micros ?? 0)];
  if (calls === 0) return "It had made no call";
  return `Its ${calls === 1 ? "call" : `${calls} calls`}, ${formatUsd(micros)} at most, may be on the books of the former files alone`;
}

/** Those files may be in any state: what cannot be done with them is logged, and the process ends all the same. */
async function quietly<T>(log: Log, work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    log.event("error", "state_replaced_untold", { error: messageOf(error) });
    return null;
  }
}
