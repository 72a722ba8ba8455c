import type { Config, JobConfig } from "../config/config.ts";
import type { ReceiverConfig } from "../config/deliver.ts";
import { paceMs, partsOf } from "../delivery/parts.ts";
import { runKey, toResult } from "../delivery/read-results.ts";
import type { Result } from "../delivery/result.ts";
import { deliveryKey, lastResult } from "../delivery/results.ts";
import { markDelivered } from "../delivery/rows.ts";
import { systemClock, toIso } from "../lib/clock.ts";
import { AfkError, EXIT } from "../lib/errors.ts";
import { didYouMean } from "../lib/nearest.ts";
import { readKill } from "../rails/kill.ts";
import type { Alerting } from "./alerting.ts";

/** Bound on one message. */
const TIMEOUT_MS = 10_000;

/** What one receiver said. `messages` is how many it took of how many; `status` and `error` are null where there is none. */
interface Said {
  receiver: string;
  type: string;
  ok: boolean;
  messages: { taken: number; all: number };
  status: number | null;
  error: string | null;
}

/** What was sent, and what came of it. `isKilled`: the kill switch is set, which holds no result back. */
export interface SentAgain {
  job: string;
  period: string;
  outcome: Result["outcome"];
  title: string;
  isKilled: boolean;
  receivers: Said[];
}

/**
 * Sends the last result of a job again, at once and in one try, to the receivers of its entry or to the one that is named, which
 * may be any channel of `alerts:`. What waited for a receiver that takes it now waits no longer.
 * @throws AfkError `unknown_receiver` (exit 2), `no_receiver`, `no_result`
 */
export async function deliverAgain(
  { config, store, clock, log }: Pick<Alerting, "config" | "store" | "clock" | "log">,
  job: JobConfig,
  to: string | undefined,
): Promise<SentAgain> {
  const receivers = receiversOf(config, job, to);
  const row = await lastResult(store.db, job.name);
  if (row === undefined) {
    const message = `${job.name} has no result yet; make one with: afk tick --now ${job.name}`;
    throw new AfkError("no_result", message, { retry: "never" });
  }
  const run = await runKey(store.db, row.job_id);
  const kill = await readKill(store.db, config.paths.stopFile);
  const send = async (receiver: ReceiverConfig): Promise<Said> => {
    const waiting = deliveryKey({ key: run }, row.outcome, receiver.name);
    // Another key than the first time: a receiver that drops repeats would drop what a person asked for.
    const key = `${waiting}:again:${toIso(clock.nowMs())}`;
    const result = toResult(row, { run, key, config });
    const said = await sendAll(partsOf(result, receiver.target, { db: store.db, config }), receiver, clock);
    const about = { name: job.name, receiver: receiver.name, key };
    if (said.ok) {
      log.event("info", "delivered", { ...about, attempts: 1 });
      await store.atomically((trx) => markDelivered(trx, waiting, clock.nowMs()));
    } else log.event("error", "delivery_failed", { ...about, error: said.error });
    return said;
  };
  return {
    ...{ job: job.name, period: row.label, outcome: row.outcome },
    title: JSON.parse(row.report).title,
    isKilled: kill !== null,
    receivers: await Promise.all(receivers.map(send)),
  };
}

async function sendAll(
  parts: ReturnType<typeof partsOf>,
  { name, target }: ReceiverConfig,
  clock: Alerting["clock"],
): Promise<Said> {
  const { signal } = new AbortController();
  const about = { receiver: name, type: target.type === "channel" ? target.channel.type : target.type };
  let taken = 0;
  let status: number | null = null;
  for (const part of parts) {
    if (taken > 0) await systemClock.sleep(paceMs(target), signal);
    const sent = await part({ signal, timeoutMs: TIMEOUT_MS, nowMs: clock.nowMs() });
    ({ status } = sent);
    const messages = { taken, all: parts.length };
    if (!sent.result.ok) return { ...about, ok: false, messages, status, error: sent.result.error };
    taken += 1;
  }
  return { ...about, ok: true, messages: { taken, all: parts.length }, status, error: null };
}

function receiversOf({ alerts }: Config, job: JobConfig, to: string | undefined): ReceiverConfig[] {
  // One that has an entry for failures and one for the rest is one.
  const named = new Map(job.deliver.map((receiver) => [receiver.name, receiver]));
  if (to === undefined) {
    if (named.size > 0) return [...named.values()];
    const message = `${job.name} delivers to nobody; write deliver: in its entry of afk.yaml, or name a channel with --to`;
    throw new AfkError("no_receiver", message, { retry: "never", exitCode: EXIT.usage });
  }
  const channel = alerts.find(({ name }) => name === to);
  const receiver =
    named.get(to) ??
    (channel && { name: to, when: "always", quietHours: null, target: { type: "channel", channel } });
  if (receiver !== undefined) return [receiver];
  const known = [...new Set([...named.keys(), ...alerts.map(({ name }) => name)])];
  const message = `${job.name} has no receiver ${to}, and alerts: no channel of that name. ${didYouMean(to, known)}`;
  throw new AfkError("unknown_receiver", message, { retry: "never", exitCode: EXIT.usage });
}
