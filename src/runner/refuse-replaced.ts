import { deliverAlerts } from "../alerts/deliver.ts";
import { toIso } from "../lib/clock.ts";
import { messageOf } from "../lib/errors.ts";
import { formatUsd } from "../lib/money.ts";
import type { Kill } from "../rails/halt.ts";
import { announceKill, readReplaced } from "../rails/kill.ts";
import { StateReplaced } from "../store/errors.ts";
import type { Parts } from "./parts.ts";

/** The process has to be gone soon: somebody else may be at work where its files were. */
const DELIVER_MS = 2_000;

/**
 * Says that the files of the state were replaced under this worker, wherever that can still be said: to the channels, by the
 * outbox of the files that it has open, and in the log. What it spent since it began is on the books of those alone.
 * @throws StateReplaced when they were.
 */
export async function refuseReplaced(parts: Parts, runner: string): Promise<void> {
  const kill = readReplaced(parts.store);
  if (kill === null) return;
  const told = await quietly(parts, () => tell(parts, kill));
  const spent = await quietly(parts, () => spentBy(parts, runner));
  const error = new StateReplaced(
    `${kill.reason} (seen at ${toIso(kill.at)}); it has ended. ${spent ?? "What it spent cannot be read any more"}; ${kill.remedy}`,
  );
  parts.log.event("error", "state_replaced", { error: error.message, alerted: (told ?? 0) > 0 });
  throw error;
}

/** @returns how many alerts went out. */
async function tell({ config, outbox, store, clock, log }: Parts, kill: Kill): Promise<number> {
  await store.atomically((trx) => announceKill(trx, outbox.announce, kill));
  const { signal } = new AbortController();
  const { sent } = await deliverAlerts({
    store,
    channels: config.alerts,
    clock,
    log,
    signal,
    limitMs: DELIVER_MS,
  });
  return sent;
}

async function spentBy({ store }: Parts, runner: string): Promise<string> {
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

/** Those files may be in any state: what cannot be done with them is told of in the log, and the process ends all the same. */
async function quietly<T>({ log }: Parts, work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    log.event("error", "state_replaced_untold", { error: messageOf(error) });
    return null;
  }
}
