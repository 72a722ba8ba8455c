import { dirname, join } from "node:path";
import { sql } from "kysely";
import type { AlertEvent, AlertPayload } from "../../src/alerts/events.ts";
import type { Amount } from "../../src/lib/windows.ts";
import { finish, type Reservation, reserve } from "../../src/rails/budget.ts";
import type { CapRefusal } from "../../src/rails/budget-notices.ts";
import { budgetNow } from "../../src/rails/budget-time.ts";
import type { GuardedCall } from "../../src/rails/guard.ts";
import type { Ending, LedgerEntry } from "../../src/rails/ledger.ts";
import type { Rails } from "../../src/rails/rails.ts";
import type { Trx } from "../../src/store/schema.ts";
import { type RailsOn, type RailsOptions, railsOn } from "./rails-on.ts";
import { testStore } from "./store.ts";
import { tempDir } from "./temp.ts";

/** Rails on a real store in a folder that goes away with the test, with a clock that the test moves. */
export async function testRails(
  options: RailsOptions & { dir?: string } = {},
): Promise<RailsOn & { path: string }> {
  const dir = options.dir ?? tempDir();
  const store = await testStore(join(dir, "afk.db"));
  return { ...railsOn(store, dir, options), path: store.path };
}

/** A second agent process on the same state, as far as the database can tell: its own connection, the same clock. */
export async function besides(rails: RailsOn & { path: string }): Promise<RailsOn> {
  const store = await testStore(rails.path);
  return {
    ...railsOn(store, dirname(rails.path), { clock: rails.clock }),
    budget: rails.budget,
    breaker: rails.breaker,
  };
}

export function reservation(estimateMicros: number, more: Partial<Reservation> = {}): Reservation {
  return {
    model: "openai/test",
    estimateMicros,
    estimateTokens: 2,
    deadlineMs: 360_000,
    scope: { tick: null, job: null },
    step: null,
    runner: null,
    requestHash: null,
    isDegraded: false,
    ...more,
  };
}

/** A call that costs what it says, unless the test performs something else. */
export function guardedCall(rails: Rails, more: Partial<GuardedCall<string>> = {}): GuardedCall<string> {
  return {
    ...reservation(1_000, { estimateTokens: 20 }),
    dependency: "model:openai/test",
    log: rails.log,
    perform: async () => ({ costMicros: 400, inputTokens: 7, outputTokens: 3, value: "text" }),
    ...more,
  };
}

export async function tryReserve(
  rails: Rails,
  estimateMicros: number,
  more: Partial<Reservation> = {},
): Promise<{ entryId: string } | { refusal: CapRefusal }> {
  return await rails.store.atomically(async (trx) => {
    const budgetMs = await budgetNow(trx, rails.outbox.announce, rails.clock);
    const times = { budgetMs, wallMs: rails.clock.nowMs() };
    const result = await reserve(trx, rails, reservation(estimateMicros, more), times);
    if ("entryId" in result) await unmark(trx, result.entryId);
    return result;
  });
}

async function unmark(trx: Trx, entryId: string): Promise<void> {
  await trx.updateTable("ledger").set({ state: "reserved" }).where("id", "=", entryId).execute();
}

/** Marks an entry that is only reserved, as versions did which had a transaction for it. False for any other. */
export async function markSending(trx: Trx, entryId: string): Promise<boolean> {
  const marked = trx.updateTable("ledger").set({ state: "sending" }).where("id", "=", entryId);
  return (await marked.where("state", "=", "reserved").executeTakeFirst()).numUpdatedRows === 1n;
}

/** Reserves what must have room, and does not send it. */
export async function reserved(
  rails: Rails,
  estimateMicros: number,
  more: Partial<Reservation> = {},
): Promise<string> {
  const result = await tryReserve(rails, estimateMicros, more);
  if ("refusal" in result) throw new Error(`refused by the ${result.refusal.window} cap`);
  return result.entryId;
}

/** The window whose cap refuses; null when there is room, which is then taken. */
export async function refusedBy(
  rails: Rails,
  estimateMicros: number,
  more: Partial<Reservation> = {},
): Promise<string | null> {
  const result = await tryReserve(rails, estimateMicros, more);
  return "refusal" in result ? result.refusal.window : null;
}

export async function sent(
  rails: Rails,
  estimateMicros: number,
  more: Partial<Reservation> = {},
): Promise<string> {
  const entryId = await reserved(rails, estimateMicros, more);
  await rails.store.atomically((trx) => markSending(trx, entryId));
  return entryId;
}

export async function ended(rails: Rails, entryId: string, ending: Ending): Promise<boolean> {
  return await rails.store.atomically(async (trx) => {
    const budgetMs = await budgetNow(trx, rails.outbox.announce, rails.clock);
    return await finish(trx, rails, entryId, ending, budgetMs);
  });
}

export const settledAt = (costMicros: number, tokens = 2): Ending => ({
  state: "settled",
  costMicros,
  inputTokens: Math.ceil(tokens / 2),
  outputTokens: Math.floor(tokens / 2),
});
export const RELEASED: Ending = { state: "released", error: "connection refused" };
export const UNKNOWN: Ending = { state: "unknown", error: "time-out" };

/** Reserves, sends and settles at once. */
export async function spend(rails: Rails, micros: number, more: Partial<Reservation> = {}): Promise<string> {
  const entryId = await sent(rails, micros, more);
  await ended(rails, entryId, settledAt(micros));
  return entryId;
}

export async function entries(rails: Rails): Promise<LedgerEntry[]> {
  return await rails.store.db.selectFrom("ledger").selectAll().orderBy(sql`rowid`).execute();
}

export async function states(rails: Rails): Promise<string[]> {
  return (await entries(rails)).map(({ state }) => state);
}

export async function alerts(rails: Rails, event?: AlertEvent): Promise<AlertPayload[]> {
  const rows = await rails.store.db.selectFrom("alerts").select("payload").orderBy(sql`rowid`).execute();
  return rows
    .map(({ payload }) => JSON.parse(payload) as AlertPayload)
    .filter((alert) => event === undefined || alert.event === event);
}

/** `settled/reserved` of a window's rows in one unit, by period. */
export async function counters(
  rails: Rails,
  window: string,
  { scope = "agent", amount = "micros" as Amount } = {},
): Promise<Record<string, string>> {
  const rows = await rails.store.db.selectFrom("budget_windows").selectAll().orderBy("period").execute();
  return Object.fromEntries(
    rows
      .filter((row) => row.window === window && row.scope === scope)
      .map((row) => [row.period, `${row[`settled_${amount}`]}/${row[`reserved_${amount}`]}`]),
  );
}

/** What was thrown; a call that goes well fails the test. */
export async function thrown(call: Promise<unknown>): Promise<unknown> {
  return await call.then(
    (value) => {
      throw new Error(`it went well: ${JSON.stringify(value)}`);
    },
    (error: unknown) => error,
  );
}
