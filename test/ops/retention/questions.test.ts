import { expect, test } from "vitest";
import { DAY_MS, HOUR_MS } from "../../../src/lib/durations.ts";
import { retain } from "../../../src/ops/retention/retain.ts";
import { grantToRun } from "../../../src/rails/grant.ts";
import { noteWrongCode } from "../../../src/runner/questions/codes.ts";
import { ask } from "../../../src/runner/questions/question.ts";
import { noteMessage } from "../../../src/runner/remote/cursor.ts";
import { type OpsHarness, opsHarness } from "../harness.ts";

const TABLES = ["questions", "cap_grants", "wrong_codes", "remote_messages"] as const;

/** One row of each, made now, about the run of this name. */
async function happens({ rails }: OpsHarness, job: string): Promise<void> {
  const nowMs = rails.clock.nowMs();
  await rails.store.atomically(async (trx) => {
    const about = { kind: "cap", subject: job, job, message: "May it?", detail: "{}" } as const;
    const question_id = await ask(trx, { ...about, expires_at: nowMs + DAY_MS }, nowMs);
    const cap = { window: "job", amount: "calls", period: job, cap: 1, extra: 1 } as const;
    await grantToRun(trx, { job, ...cap, question_id, granted_at: nowMs });
    await noteWrongCode(trx, nowMs);
    await noteMessage(trx, "phone", job, nowMs);
  });
}

async function waitingRun({ rails }: OpsHarness, key: string): Promise<void> {
  const at = rails.clock.nowMs();
  const empty = { error: null, waiting_since: null, lease_until: null, runner: null, payload: "null" };
  const run = { id: key, key, name: "work", kind: "work", label: "l", state: "ready", by_hand: 0 } as const;
  const numbers = { attempts: 0, max_attempts: 5, token: 0, units: 0, run_at: at, slot_at: at };
  await rails.store.atomically((trx) =>
    trx
      .insertInto("jobs")
      .values({ ...run, ...empty, ...numbers, created_at: at, updated_at: at })
      .execute(),
  );
}

async function sweep({ rails, config }: OpsHarness): Promise<Record<string, number>> {
  const { signal } = new AbortController();
  const { db } = rails.store;
  for (let pass = 0; pass < 3; pass++) {
    await retain({ store: rails.store, config, clock: rails.clock, signal });
    rails.clock.advance(HOUR_MS);
  }
  const counted = TABLES.map(async (table) => {
    const rows = await db.selectFrom(table).selectAll().execute();
    return [table, rows.length] as const;
  });
  return Object.fromEntries(await Promise.all(counted));
}

test("of the phone nothing stays for ever: questions, grants, wrong codes and messages go, what counts stays", async () => {
  const harness = await opsHarness();
  const { clock } = harness.rails;
  await waitingRun(harness, "waits");
  await happens(harness, "over");
  await happens(harness, "waits");
  const all = { questions: 2, cap_grants: 2, wrong_codes: 2, remote_messages: 2 };
  // No service gives a message again that is two days old.
  clock.advance(2 * DAY_MS);
  expect(await sweep(harness)).toEqual(all);
  clock.advance(100 * DAY_MS);
  await happens(harness, "new");
  // A run that may go on keeps what it was granted.
  expect(await sweep(harness)).toEqual({ questions: 1, cap_grants: 2, wrong_codes: 1, remote_messages: 1 });
});
