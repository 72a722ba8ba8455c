import { timingSafeEqual } from "node:crypto";
import type { Caller } from "../../gateway/caller.ts";
import { openGateway } from "../../gateway/gateway.ts";
import type { Refusal } from "../../gateway/protocols/protocol.ts";
import { createRecordedAnswers } from "../../gateway/recorded-answers.ts";
import type { RunGateway } from "../../jobs/job.ts";
import { hashOfKey, newClientKey } from "../../lib/client-key.ts";
import { HOUR_MS } from "../../lib/durations.ts";
import type { Log } from "../../lib/log.ts";
import { once } from "../../lib/once.ts";
import type { JobRow } from "../../queue/job.ts";
import { RunCapped } from "../../rails/halt.ts";
import type { Uses, WorkIds } from "../dependencies.ts";

/** The run that a gateway is opened for. */
interface GatewayRun extends WorkIds {
  job: JobRow;
  signal: AbortSignal;
  log: Log;
}

/** Requests that a run may make after a cap has refused it, each refused as well; then it is a runaway, and ended. */
const REFUSALS_MAX = 20;
/** A cap may be raised before its window is over, and nobody tells a job that waits. */
const WAIT_MS_MAX = HOUR_MS;

const open = new Set<Promise<unknown>>();

/** Resolves when nothing is left of gateways whose jobs did not wait for their end. */
export async function allClosed(): Promise<void> {
  await Promise.allSettled(open);
}

/**
 * Opens a gateway on loopback for one run of a job, by a key that is in no file and dies with it.
 * @throws AfkError (`gateway_unavailable`) when it cannot listen.
 */
export async function openRunGateway(
  { store, rails, config, clock }: Uses<"store" | "rails" | "config" | "clock">,
  run: GatewayRun,
): Promise<RunGateway> {
  const { tick, runner, job, signal, log } = run;
  const key = newClientKey();
  const watched = watchRefusals(job.name, clock);
  const { replays, maxOutputTokens, models } = config.gateway;
  const caller: Caller = {
    title: `job ${job.name}`,
    scope: { tick, job: job.key, jobName: job.name },
    models: null,
    allow: new Set(),
    runner,
    recorded: replays ? createRecordedAnswers(store.db, job.key, clock) : null,
    log,
    signal,
    onRequest: watched.onRequest,
    onRefused: watched.onRefused,
  };
  let isOver = false;
  const hash = hashOfKey(key);
  const gateway = await openGateway({
    rails,
    config: () => config,
    listen: { host: "127.0.0.1", port: 0 },
    tls: null,
    findCaller: async (asked) => (!isOver && timingSafeEqual(hashOfKey(asked), hash) ? caller : null),
  });
  const over = Promise.withResolvers<void>();
  open.add(over.promise);
  const close = once(async () => {
    isOver = true;
    try {
      await gateway.close();
    } finally {
      over.resolve();
      open.delete(over.promise);
    }
  });
  return {
    url: gateway.url,
    key,
    maxOutputTokens,
    aliases: Object.keys(models ?? {}),
    requests: watched.requests,
    refusedBy: watched.refusedBy,
    signal: watched.signal,
    [Symbol.asyncDispose]: close,
  };
}

/** Follows what comes of a run's requests, and ends a run that takes no refusal for an answer. */
function watchRefusals(name: string, clock: { nowMs(): number }) {
  const runaway = new AbortController();
  let requests = 0;
  /** Requests when the first and the latest refusal came. */
  let first: number | null = null;
  let latest = { requests: 0, error: null as RunCapped | null };
  let refused = 0;
  return {
    signal: runaway.signal,
    requests: () => requests,
    refusedBy: () => (latest.requests === requests ? latest.error : null),
    onRequest() {
      requests += 1;
    },
    onRefused(refusal: Refusal) {
      if (refusal.type !== "cap" && refusal.type !== "cap_smaller") return;
      const { resetsAtMs, message } = refusal;
      const afterMs = resetsAtMs === null ? WAIT_MS_MAX : Math.max(0, resetsAtMs - clock.nowMs());
      const waitMs = Math.min(WAIT_MS_MAX, afterMs);
      latest = { requests, error: new RunCapped(message, waitMs) };
      first ??= requests;
      refused += 1;
      // What was under way at the first refusal could not know of it.
      if (Math.min(refused, requests - first) < REFUSALS_MAX) return;
      const what = `job ${name} was ended: it made ${requests - first} requests after a cap had refused one`;
      runaway.abort(new RunCapped(`${what}; the latest refusal: ${message}`, waitMs));
    },
  };
}
