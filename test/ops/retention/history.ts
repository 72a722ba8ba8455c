import type { Announce } from "../../../src/alerts/outbox.ts";
import { toIso } from "../../../src/lib/clock.ts";
import { DAY_MS } from "../../../src/lib/durations.ts";
import { newId, type Randomness } from "../../../src/lib/ids.ts";
import { finish, reserve } from "../../../src/rails/budget.ts";
import { budgetNow } from "../../../src/rails/budget-time.ts";
import type { Ending } from "../../../src/rails/ledger.ts";
import type { JobState } from "../../../src/store/schema/queue.ts";
import type { Trx } from "../../../src/store/schema.ts";
import { RELEASED, reservation, UNKNOWN } from "../../support/rails.ts";
import type { RailsOn } from "../../support/rails-on.ts";

const MODELS = ["openai/gpt-a", "anthropic/claude-b", "ollama/small"];
/** Names of jobs; the last one is not in afk.yaml any more. */
const JOBS = ["digest", "weekly", "retired"];
const QUIET: Announce = async () => undefined;

export interface HistoryOptions {
  randomness: Randomness;
  days: number;
  callsPerDay: number;
}

/**
 * Days of an agent's life, made by the rails' own reservations and endings at random moments of each: calls in every state,
 * jobs in every state with all that belongs to them, ticks, alerts with their deliveries, drills and incidents. Ends at the
 * clock's present moment, to which the clock is moved.
 */
export async function live(rails: RailsOn, { randomness, days, callsPerDay }: HistoryOptions): Promise<void> {
  const random = randomFrom(randomness);
  for (let day = 0; day < days; day++) {
    const moments = Array.from({ length: callsPerDay + 4 }, () => random.below(DAY_MS)).sort((a, b) => a - b);
    const startMs = rails.clock.nowMs();
    await rails.store.atomically(async (trx) => {
      const today: Today = { tick: newId(startMs, randomness), job: null };
      for (const [index, moment] of moments.entries()) {
        rails.clock.advance(startMs + moment - rails.clock.nowMs());
        const nowMs = rails.clock.nowMs();
        if (index % 4 === 0) today.tick = await addTick(trx, nowMs, random);
        if (index % 5 === 0) today.job = await addJob(trx, nowMs, random, day);
        else await addCall(trx, rails, today, random);
        if (index === 1) await addAlert(trx, nowMs, random, day);
      }
      if (day % 20 === 0) await addEvidence(trx, rails.clock.nowMs());
    });
    rails.clock.advance(startMs + DAY_MS - rails.clock.nowMs());
  }
}

interface Today {
  tick: string;
  job: string | null;
}

export interface Random {
  below(limit: number): number;
  pick<T>(from: readonly T[]): T;
  randomness: Randomness;
}

export function randomFrom(randomness: Randomness): Random {
  const below = (limit: number) => Math.floor(randomness.random() * limit);
  return { below, pick: (from) => from[below(from.length)]!, randomness };
}

async function addCall(trx: Trx, rails: RailsOn, today: Today, random: Random): Promise<void> {
  const quiet = { ...rails, outbox: { ...rails.outbox, announce: QUIET } };
  const times = { budgetMs: await budgetNow(trx, QUIET, rails.clock), wallMs: rails.clock.nowMs() };
  const model = random.pick(MODELS);
  // A local model costs nothing, and counts all the same.
  const estimateMicros = model.startsWith("ollama") ? 0 : 1 + random.below(9_999);
  const tick = random.below(4) === 0 ? null : today.tick;
  const job = random.below(4) === 0 ? null : today.job;
  const scope = { tick, job, jobName: job?.split("@")[0] ?? null };
  const call = reservation(estimateMicros, { model, scope, isDegraded: random.below(5) === 0 });
  const reserved = await reserve(trx, quiet, call, times);
  if ("refusal" in reserved) throw new Error(`refused by the ${reserved.refusal.window} cap`);
  const fate = random.below(40);
  if (fate <= 1) return;
  const ending = endingOf(fate, estimateMicros, random);
  await finish(trx, quiet, reserved.entryId, ending, times.budgetMs);
}

function endingOf(fate: number, estimateMicros: number, random: Random): Ending {
  if (fate <= 3) return UNKNOWN;
  if (fate <= 8) return RELEASED;
  const hasTokens = random.below(4) > 0;
  // Now and then a provider bills more than the bound.
  const most = random.below(10) === 0 ? estimateMicros * 2 : estimateMicros;
  return {
    state: "settled",
    costMicros: random.below(most + 1),
    inputTokens: hasTokens ? random.below(5_000) : null,
    outputTokens: hasTokens ? random.below(500) : null,
  };
}

async function addTick(trx: Trx, nowMs: number, random: Random): Promise<string> {
  const id = newId(nowMs, random.randomness);
  await trx
    .insertInto("ticks")
    .values({
      id,
      started_at: nowMs,
      finished_at: nowMs + 1_000,
      outcome: random.pick(["ok", "idle", "idle", "idle", "halted", "failed", "crashed"] as const),
      reason: null,
      units: random.below(5),
      cost_micros: 0,
      by_hand: random.below(10) === 0 ? 1 : 0,
      next_due_at: null,
      version: "1.2.3",
    })
    .execute();
  return id;
}

/** What becomes of a job: most are done, some wait for a person, a few were dropped by one. */
const FATES = [...Array(12).fill("done"), "dead", "dropped", "ready"] as const;

async function addJob(trx: Trx, nowMs: number, random: Random, day: number): Promise<string> {
  const id = newId(nowMs, random.randomness);
  const name = random.pick(JOBS);
  const by_hand = random.below(4) === 0 ? 1 : 0;
  const own = `asked-${day}-${id.slice(-6)}`;
  const key = by_hand === 0 ? `${name}@${toIso(nowMs)}` : random.pick([`${name}@hand:${toIso(nowMs)}`, own]);
  const fate: "done" | "dead" | "dropped" | "ready" = random.pick(FATES);
  const state: JobState = fate === "dropped" ? "dead" : fate;
  await trx
    .insertInto("jobs")
    .values({
      ...{ id, key, name, kind: "plain", payload: "null", state, by_hand, runner: null, error: null },
      ...{ attempts: state === "ready" ? 0 : 1, max_attempts: 5, lease_until: null, token: 1 },
      ...{ units: random.below(7), slot_at: nowMs, label: toIso(nowMs).slice(0, 10) },
      ...{ run_at: nowMs, created_at: nowMs, updated_at: nowMs + 60_000 },
    })
    .execute();
  if (fate === "dead")
    await trx
      .insertInto("dead_letters")
      .values({
        ...{ job_id: id, key, name, kind: "plain", payload: "null", error: "it broke", cause: key },
        ...{ attempts: 1, trace: "{}", died_at: nowMs },
      })
      .execute();
  for (const step of ["fetch:0", "summary"])
    await trx
      .insertInto("steps")
      .values({
        job_id: id,
        name: step,
        result: JSON.stringify("x".repeat(random.below(300))),
        created_at: nowMs,
      })
      .execute();
  if (state === "done") await addProducts(trx, { id, name, nowMs }, random);
  return key;
}

async function addProducts(
  trx: Trx,
  { id, name, nowMs }: { id: string; name: string; nowMs: number },
  random: Random,
): Promise<void> {
  const isPending = random.below(40) === 0;
  await trx
    .insertInto("outputs")
    .values({
      name: `${name}-${id}.md`,
      job_id: id,
      content: "y".repeat(random.below(300)),
      state: isPending ? "pending" : "published",
      created_at: nowMs,
      published_at: isPending ? null : nowMs,
    })
    .execute();
  if (random.below(5) > 0) return;
  const state = random.pick(["pending", "approving", "done", "unknown", "rejected", "done"] as const);
  const isTried = state === "approving" || state === "done" || state === "unknown";
  const isDecided = state === "done" || state === "rejected";
  await trx
    .insertInto("drafts")
    .values({
      ...{
        id: newId(nowMs, random.randomness),
        job_id: id,
        name: "post",
        action: "post",
        content: "{}",
        state,
      },
      ...{ created_at: nowMs, attempted_at: isTried ? nowMs : null, decided_at: isDecided ? nowMs : null },
      ...{ summary: state === "done" ? "posted" : null, error: null },
    })
    .execute();
}

async function addAlert(trx: Trx, nowMs: number, random: Random, day: number): Promise<void> {
  const id = newId(nowMs, random.randomness);
  const event = random.pick(["cap_hit", "breaker_open", "tick_failed", "overrun"] as const);
  const payload = { version: 1, title: `${event} on day ${day}`, message: "m" };
  await trx
    .insertInto("alerts")
    .values({
      ...{
        id,
        key: `${event}:model:a:${day}`,
        event,
        subject: "model:a",
        occurrence: String(day),
        severity: "warn",
      },
      ...{ payload: JSON.stringify(payload), created_at: nowMs },
    })
    .execute();
  for (const channel of ["ntfy:1", "webhook:2"])
    await trx
      .insertInto("alert_deliveries")
      .values({
        ...{
          alert_id: id,
          channel,
          state: random.pick(["sent", "sent", "sent", "failed", "pending"] as const),
        },
        ...{ attempts: 1, next_at: nowMs, error: null, updated_at: nowMs },
      })
      .execute();
}

async function addEvidence(trx: Trx, nowMs: number): Promise<void> {
  await trx
    .insertInto("drills")
    .values({
      ...{ id: newId(nowMs), name: "cap", passed: 1, version: "1.2.3", config_hash: "hash", host: "h" },
      ...{ started_at: nowMs, finished_at: nowMs, figures: "{}", error: null, file: "f.md" },
    })
    .execute();
  await trx
    .insertInto("incidents")
    .values({
      ...{ id: newId(nowMs), event: "wedged", subject: "", title: "It hung" },
      ...{ opened_at: nowMs, last_at: nowMs, count: 1, recovered_at: nowMs + 1 },
    })
    .execute();
}
