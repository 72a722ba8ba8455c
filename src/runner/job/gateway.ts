import { timingSafeEqual } from "node:crypto";
import type { Config, JobConfig } from "../../config/config.ts";
import { modelsOf } from "../../config/job-models.ts";
import type { Caller } from "../../gateway/caller.ts";
import { openGateway } from "../../gateway/gateway.ts";
import type { Refusal } from "../../gateway/protocols/protocol.ts";
import { createRecordedAnswers } from "../../gateway/recorded-answers.ts";
import type { RunGateway } from "../../jobs/job.ts";
import { hashOfKey, newClientKey } from "../../lib/client-key.ts";
import { systemClock } from "../../lib/clock.ts";
import { HOUR_MS, MINUTE_MS } from "../../lib/durations.ts";
import { AfkError, EXIT } from "../../lib/errors.ts";
import type { Log } from "../../lib/log.ts";
import { once } from "../../lib/once.ts";
import type { JobRow } from "../../queue/job.ts";
import { RunCapped } from "../../rails/halt.ts";
import { chargedTo } from "../../rails/ledger.ts";
import type { Uses, WorkIds } from "../dependencies.ts";
import type { Activity } from "./activity.ts";

/** The run that a gateway is opened for. */
interface GatewayRun extends WorkIds {
  job: JobRow;
  entry: JobConfig;
  activity: Activity;
  signal: AbortSignal;
  log: Log;
}

/**
 * Requests that a run may make after a first one was refused, each refused as well; then it is a runaway, and ended. A breaker
 * closes by itself, and there are programs that wait for it.
 */
const REFUSALS_MAX = { cap: 20, breaker: 200 };
/** What a program has left under way when it ends may be read to its end for so long, so that its cost is known. */
const FINISH_MS_MAX = MINUTE_MS;
const FINISH_LOOK_MS = 50;
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
  const { tick, runner, job, signal, log, activity } = run;
  const key = newClientKey();
  const watched = watchRefusals(run, clock);
  const own = configOf(config, run.entry);
  const { replays, maxOutputTokens, models } = own.gateway;
  const caller: Caller = {
    title: `job ${job.name}`,
    scope: { tick, job: job.key, jobName: job.name },
    models: null,
    allow: new Set(),
    runner,
    claim: job,
    recorded: replays ? createRecordedAnswers(store.db, job.key, clock) : null,
    log,
    signal,
    onRequest(mayCost) {
      activity.note();
      watched.onRequest(mayCost);
    },
    onRefused: watched.onRefused,
  };
  let isOver = false;
  const hash = hashOfKey(key);
  const gateway = await openGateway({
    rails,
    config: () => own,
    listen: { host: "127.0.0.1", port: 0 },
    tls: null,
    findCaller: async (asked) => (!isOver && timingSafeEqual(hashOfKey(asked), hash) ? caller : null),
  });
  activity.watch(() => gateway.inFlight() > 0);
  const over = Promise.withResolvers<void>();
  open.add(over.promise);
  const close = once(async () => {
    isOver = true;
    try {
      const untilMs = systemClock.uptimeMs() + FINISH_MS_MAX;
      while (gateway.inFlight() > 0 && !signal.aborted && systemClock.uptimeMs() < untilMs)
        await systemClock.sleep(FINISH_LOOK_MS);
      await gateway.close();
    } finally {
      over.resolve();
      open.delete(over.promise);
    }
  });
  return {
    url: gateway.url,
    service: { port: Number(new URL(gateway.url).port), accept: gateway.accept },
    key,
    maxOutputTokens,
    aliases: Object.keys(models ?? {}),
    requests: watched.requests,
    costMicros: () => chargedTo(store.db, job.key),
    refusedBy: watched.refusedBy,
    signal: watched.signal,
    [Symbol.asyncDispose]: close,
  };
}

/** As the run's gateway has it: with models of the job's own nothing else may be asked for, by their aliases or their names. */
function configOf(config: Config, entry: JobConfig): Config {
  const models = modelsOf(config.models, entry);
  if (entry.models === undefined) return { ...config, models };
  const aliases = Object.entries(config.gateway.models ?? {}).filter(([, reference]) =>
    models.chain.includes(reference),
  );
  const named = models.chain.map((reference) => [reference, reference]);
  return {
    ...config,
    models,
    gateway: { ...config.gateway, models: Object.fromEntries([...named, ...aliases]) },
  };
}

/** Follows what comes of a run's requests, and ends a run that takes no refusal for an answer. */
function watchRefusals(
  { job: { name }, entry }: Pick<GatewayRun, "job" | "entry">,
  clock: { nowMs(): number },
) {
  const runaway = new AbortController();
  let requests = 0;
  /** Those of them that may cost something. */
  let calls = 0;
  /** The cap that refused a request, and how many calls there had been: to look at a budget after it is no further try. */
  let capped = { calls: 0, by: null as RunCapped | null };
  /** By each kind: requests at its first refusal, and how many it refused. */
  const refusals = { cap: { first: 0, count: 0 }, breaker: { first: 0, count: 0 } };

  /** How often the run has asked although it was refused; null for not too often. */
  function tooOften(kind: keyof typeof refusals): number | null {
    const refused = refusals[kind];
    if (refused.count === 0) refused.first = requests;
    refused.count += 1;
    // What was under way at the first refusal could not know of it.
    const more = requests - refused.first;
    return Math.min(refused.count, more) < REFUSALS_MAX[kind] ? null : more;
  }

  return {
    signal: runaway.signal,
    requests: () => requests,
    refusedBy: () => (capped.calls === calls ? capped.by : null),
    onRequest(mayCost: boolean) {
      requests += 1;
      if (mayCost) calls += 1;
    },
    onRefused(refusal: Refusal) {
      const words = (more: number, what: string) =>
        `job ${name} was ended: it made ${more} requests after ${what} had refused one; the latest refusal: ${refusal.message}`;
      if (refusal.type === "cap" || refusal.type === "cap_smaller") {
        const waitMs = waitOf(refusal.resetsAtMs, clock.nowMs());
        const halt = new RunCapped(refusal.message, waitMs, refusal.capped ?? null);
        capped = { calls, by: halt };
        // Whoever is to be asked is asked at once: what the program does meanwhile would be of no use.
        const isAsked = entry.onCap === "ask" && refusal.type === "cap" && halt.refusal?.offer != null;
        if (isAsked) runaway.abort(halt);
        const more = tooOften("cap");
        if (more !== null) runaway.abort(new RunCapped(words(more, "a cap"), waitMs));
      } else if (refusal.type === "breaker") {
        const more = tooOften("breaker");
        const outage = { retry: { afterMs: refusal.retryAfterMs }, exitCode: EXIT.unavailable };
        if (more !== null) runaway.abort(new AfkError("breaker_open", words(more, "a breaker"), outage));
      }
    },
  };
}

function waitOf(resetsAtMs: number | null, nowMs: number): number {
  return resetsAtMs === null ? WAIT_MS_MAX : Math.min(WAIT_MS_MAX, Math.max(0, resetsAtMs - nowMs));
}
