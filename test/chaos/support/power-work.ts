import { writeSync } from "node:fs";
import { join } from "node:path";
import { sql } from "kysely";
import { newId } from "../../../src/lib/ids.ts";
import { raiseHighWater } from "../../../src/ops/high-water.ts";
import { claim } from "../../../src/queue/claim.ts";
import { complete } from "../../../src/queue/complete.ts";
import { enqueue } from "../../../src/queue/enqueue.ts";
import { publishPending, saveOutputs } from "../../../src/queue/publish.ts";
import { saveStep } from "../../../src/queue/steps.ts";
import { finish, reserve } from "../../../src/rails/budget.ts";
import { budgetNow } from "../../../src/rails/budget-time.ts";
import type { Ending } from "../../../src/rails/ledger.ts";
import { openStore } from "../../../src/store/sqlite/open.ts";
import type { Store } from "../../../src/store/store.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import { type RailsOn, railsOn } from "../../support/rails-on.ts";
import { seededRandomness } from "../../support/seeded.ts";
import type { Acknowledged } from "./acknowledged.ts";

/**
 * What an agent does to its disk, with the real modules: `power-work.ts STATE JOBS SYNCHRONOUS`. Each commit is
 * acknowledged on standard output after it has returned, and before anything else is written.
 */
const [state = "", jobs = "0", synchronous = "full"] = process.argv.slice(2);
const randomness = seededRandomness(7);
const clock = fakeClock();
const estimateMicros = 1_000;

// Three runs of a process: what the opening and the closing write is attacked as well.
for (let run = 0; run < 3; run++) {
  const store = await openStore(join(state, "afk.db"));
  // One connection is all that Kysely has here, so the pragma holds for everything that follows.
  if (synchronous === "normal") await sql`pragma synchronous = normal`.execute(store.db);
  // The last run carries its log over into the database all the time; the others do so as they are closed.
  if (run === 2) await sql`pragma wal_autocheckpoint = 20`.execute(store.db);
  const rails = railsOn(store, state, { clock });
  await mark(store);
  for (let job = 0; job < Number(jobs); job++) await work(store, rails, `job-${run}-${job}`);
  await mark(store);
  await store.close();
}

async function mark(store: Store): Promise<void> {
  await raiseHighWater(store, join(state, "high-water.json"));
  acknowledge({ type: "mark" });
}

async function work(store: Store, rails: RailsOn, key: string): Promise<void> {
  clock.advance(1_000);
  const nowMs = clock.nowMs();
  const payload = { text: "x".repeat(Math.floor(randomness.random() * 3_000)) };
  const job = { key, name: "work", kind: "work", payload, maxAttempts: 5, slotMs: nowMs, label: key };
  await store.atomically((trx) => enqueue(trx, { ...job, byHand: false }, nowMs));
  acknowledge({ type: "job", key, state: "ready" });

  const claimed = await store.atomically((trx) => claim(trx, "runner", nowMs));
  if (claimed === undefined) throw new Error(`nothing to claim for ${key}`);
  acknowledge({ type: "job", key, state: "running" });

  const id = await rails.store.atomically(async (trx) => {
    const times = { budgetMs: await budgetNow(trx, rails.outbox.announce, clock), wallMs: clock.nowMs() };
    const scope = { job: key, tick: newId(nowMs) };
    const call = {
      model: "openai/test",
      estimateMicros,
      estimateTokens: 100,
      deadlineMs: 60_000,
      scope,
      step: "call",
      runner: "runner",
    };
    const result = await reserve(trx, rails, { ...call, requestHash: null, isDegraded: false }, times);
    if ("refusal" in result) throw new Error(`refused by ${result.refusal.window}`);
    return result.entryId;
  });
  acknowledge({ type: "ledger", id, state: "sending" });

  const ending: Ending =
    randomness.random() < 0.8
      ? { state: "settled", costMicros: 400, inputTokens: 1, outputTokens: 1 }
      : { state: "unknown", error: "time-out" };
  await rails.store.atomically(async (trx) => {
    await finish(trx, rails, id, ending, await budgetNow(trx, rails.outbox.announce, clock));
    await saveStep(trx, claimed, "call", { text: "y".repeat(500) }, nowMs);
  });
  acknowledge({ type: "ledger", id, state: ending.state });
  acknowledge({ type: "step", jobId: claimed.id, name: "call" });

  const content = "z".repeat(Math.floor(randomness.random() * 9_000));
  await store.atomically(async (trx) => {
    await complete(trx, claimed, 1, nowMs);
    await saveOutputs(trx, claimed.id, [{ name: `${key}.md`, content }], nowMs);
  });
  acknowledge({ type: "job", key, state: "done" });
  await publishPending(store.db, join(state, "out"), nowMs);
  acknowledge({ type: "published", name: `${key}.md` });
}

function acknowledge(what: Acknowledged): void {
  writeSync(1, `${JSON.stringify(what)}\n`);
}
