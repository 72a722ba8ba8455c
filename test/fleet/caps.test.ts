// @module-tag processes
// @module-tag slow
import { setTimeout as pause } from "node:timers/promises";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { DatabaseTarget } from "../../src/lib/database-target.ts";
import { HOUR_MS } from "../../src/lib/durations.ts";
import { type Amount, OWNERS, UNITS, WINDOWS } from "../../src/lib/windows.ts";
import { countersAgree } from "../../src/ops/counters.ts";
import { openPostgresStore } from "../../src/store/postgres/open.ts";
import { postgresProblem } from "../support/postgres/binaries.ts";
import { freshDatabase, sharedPostgres } from "../support/postgres/shared.ts";
import { until } from "../support/postgres/until.ts";
import type { TestBudget } from "../support/rails-on.ts";
import { tempDir } from "../support/temp.ts";
import type { Outcome } from "./support/client.ts";
import { startClients } from "./support/clients.ts";
import { type Fault, plant } from "./support/faults.ts";
import { openMachine } from "./support/machine.ts";

const PROCESSES = 4;
const CALLERS = 4;
const TRIES = 2;
/** Of the tries of all callers, which is a good half of them. */
const ROOM = 19;
const CALL = { micros: 700, tokens: 20, calls: 1 };
const DATABASE = "fleet_caps";
/** What a case leaves, and the next one begins without. */
const SPENT = [
  "ledger",
  "budget_windows",
  "open_periods",
  "budget_clock",
  "breakers",
  "alert_deliveries",
  "alerts",
];
const SCOPE = { tick: "tick-1", job: "digest:1", jobName: "digest", client: "laptop" };

interface Case {
  name: string;
  amount: Amount;
  budget: TestBudget;
  /** As a refusal names it. */
  cap: string;
}

/** Every cap that there is: of the agent, and of a job and a client that have their own. */
const CASES: Case[] = UNITS.flatMap(({ name: unit, amount }) => {
  // Not a multiple of what a call takes, so that the last one of all would go over.
  const cap = CALL[amount] * (ROOM + 1) - (amount === "calls" ? 1 : Math.floor(CALL[amount] / 2));
  const ofAgent = WINDOWS.map(({ name: window }) => ({
    name: `${window} cap in ${unit}`,
    amount,
    budget: { [`${window}_${amount}`]: cap },
    cap: `${window} ${unit} agent`,
  }));
  const ofOwners = OWNERS.flatMap(({ name: owner, field }) =>
    (["hour", "day"] as const).map((window) => ({
      name: `${window} cap in ${unit} of a ${owner}`,
      amount,
      budget: {
        owners: { job: {}, client: {}, [owner]: { [SCOPE[field]]: { [`${window}_${amount}`]: cap } } },
      },
      cap: `${window} ${unit} ${owner}:${SCOPE[field]}`,
    })),
  );
  return [...ofAgent, ...ofOwners];
});

const problem = postgresProblem();
const skipped = problem === null ? "" : ` -- skipped: ${problem}`;

describe.skipIf(problem !== null)(`sixteen clients at one cap, their clocks an hour apart${skipped}`, () => {
  let clients: Awaited<ReturnType<typeof startClients>>;
  let target: DatabaseTarget;
  beforeAll(async () => {
    clients = await startClients(PROCESSES);
    const server = await sharedPostgres();
    const url = await server.createDatabase(DATABASE);
    // So that the attack on the order of locks does not wait a second for each.
    await server.query(`alter database ${DATABASE} set deadlock_timeout = '20ms'`);
    target = { url, schema: "afk_caps" };
    await (await openPostgresStore(target)).close();
  });
  afterAll(async () => {
    clients.end();
    await (await sharedPostgres()).dropDatabase(DATABASE);
  });

  test.each(CASES.map((each, index) => [each.name, each, index] as const))(
    "%s: never above it, and refused as one is refused",
    async (_, each, index) => {
      // By turns a session for each caller, and one for all of a process, whose sections then share their commits.
      expect(await attack(each, index % 2 === 0 ? CALLERS : 1, [null])).toEqual([]);
    },
  );

  test.each<[string, (Fault | null)[]]>([
    ["no lock of the gate", ["no_lock"]],
    ["an order of locks that is turned round in half of the machines", ["windows_first", null]],
  ])(
    "the attack finds %s",
    async (_, faults) => {
      const found = [];
      for (const each of CASES) {
        found.push(...(await attack(each, CALLERS, faults)));
        if (found.length > 0) break;
      }
      expect(found).not.toEqual([]);
    },
    600_000,
  );

  /** What is wrong after an attack on one cap. `faults` are dealt out to the processes in turn. */
  async function attack(each: Case, sessions: number, faults: (Fault | null)[]): Promise<string[]> {
    const server = await sharedPostgres();
    await server.query(`truncate ${SPENT.map((table) => `afk_caps.${table}`).join(", ")}`, [], DATABASE);
    const before = await deadlocks();
    const outcome = await clients.act(
      Array.from({ length: PROCESSES }, (_, index) => ({
        target,
        budget: each.budget,
        offMs: (index - 1) * HOUR_MS,
        sessions,
        perSession: CALLERS / sessions,
        tries: TRIES,
        call: { estimateMicros: CALL.micros, estimateTokens: CALL.tokens, scope: SCOPE },
        fault: faults[index % faults.length] ?? null,
      })),
    );
    const store = await openPostgresStore(target);
    const counters = (await countersAgree(store.db)).map((line) => `counters: ${line}`);
    await store.close();
    const met = (await deadlocks()) - before;
    return [...judge(each, outcome), ...counters, ...(met > 0 ? [`${met} deadlocks`] : [])];
  }
});

/** Every call costs what it was bounded by, so that what was accepted only grows. */
function judge({ cap }: Case, { accepted, refused, errors }: Outcome): string[] {
  const wrong = errors.map((error) => `not refused in a polite way: ${error}`);
  const tries = PROCESSES * CALLERS * TRIES;
  if (accepted > ROOM) wrong.push(`${accepted} calls were let through a cap with room for ${ROOM}`);
  if (accepted < ROOM && errors.length === 0) wrong.push(`only ${accepted} calls had room`);
  if (accepted + (refused[cap] ?? 0) + errors.length !== tries)
    wrong.push(`refused by another cap: ${JSON.stringify(refused)}`);
  return wrong;
}

/** How many there were, which sessions report as they end. */
async function deadlocks(): Promise<number> {
  const server = await sharedPostgres();
  await until("all sessions have ended", async () => {
    const sql = "select count(*)::int as count from pg_stat_activity where datname = $1";
    return (await server.query(sql, [DATABASE]))[0]?.count === 0;
  });
  const sql = "select deadlocks::int from pg_stat_database where datname = $1";
  return Number((await server.query(sql, [DATABASE]))[0]?.deadlocks);
}

describe.skipIf(problem !== null)(`the time behind the gate${skipped}`, () => {
  test("is not before that of the section that had the gate before", async () => {
    expect(await laggingMs()).toBeLessThanOrEqual(0);
  });

  test("the attack finds the time at which a transaction began", async () => {
    const uproot = plant("time_of_begin");
    try {
      expect(await laggingMs()).toBeGreaterThan(0);
    } finally {
      uproot();
    }
  });

  /** How far the time of a section that waited for another one is before the other's end. */
  async function laggingMs(): Promise<number> {
    const target = { url: await freshDatabase(), schema: "afk_time" };
    const dir = tempDir();
    const [first, second] = [
      await openMachine(target, { dir, offMs: () => HOUR_MS }),
      await openMachine(target, { dir, offMs: () => -HOUR_MS }),
    ];
    onTestFinished(async () => {
      await Promise.all([first.store.close(), second.store.close()]);
    });
    const inside = Promise.withResolvers<void>();
    let endedAt = 0;
    const long = first.store.atomically(async (trx) => {
      inside.resolve();
      // Until the other one waits for this one's gate.
      await until("the second section waits", async () => {
        const sql = "select count(*)::int as count from pg_locks where not granted";
        return Number((await (await sharedPostgres()).query(sql))[0]?.count) > 0;
      });
      await pause(100);
      const { rows } = await sql<{ now: number }>`
        select floor(extract(epoch from clock_timestamp()) * 1000) as now`.execute(trx);
      endedAt = rows[0]?.now ?? 0;
    });
    await inside.promise;
    let behindAt = 0;
    await second.store.atomically(async () => {
      behindAt = second.clock.nowMs();
    });
    await long;
    return endedAt - behindAt;
  }
});
