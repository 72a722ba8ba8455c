import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, it, onTestFinished } from "vitest";
import { openAgent } from "../../src/agent.ts";
import { type ModelEndpoint, startModelEndpoint } from "../../src/faults/model-endpoint.ts";
import { type Deployment, deployment, digestConfig, fillInbox, ollama, PROCESSES } from "../support/afk.ts";
import { isChaos, patience, report } from "../support/chaos.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { freePort } from "../support/free-port.ts";

/** An outage as it is in life: nothing listens at the address, and then something does. */
const OUTAGE_MS = 16_000;

it(
  "does the digest after an outage of its only model that lasts longer than all attempts together",
  async (context) => {
    if (!isChaos()) context.skip("the outage lasts as long as it says; npm run chaos has the time");
    const port = await freePort();
    const target = deployment(digestConfig(`http://127.0.0.1:${port}`));
    fillInbox(target, 2);
    const downUntil = Date.now() + OUTAGE_MS;
    const back = delay(OUTAGE_MS).then(() => startModelEndpoint("ollama", { port }));
    // A timer's ticks, of which some fall into the outage: each is a process of its own.
    let ticks = 0;
    while (Object.keys(target.outputs()).length === 0 && Date.now() < downUntil + 8 * 60_000) {
      ticks += 1;
      const { code } = await target.afk(["tick"]);
      expect([0, 69]).toContain(code);
      await delay(1_000);
    }
    await (await back).close();
    expectDone(target);
    report("outage of 16 s", 1, `${ticks} ticks, ${target.query("select id from ledger").length} calls`);
  },
  patience({ test: 600_000, chaos: 600_000 }),
);

it(
  "does the digest after more failures of its only model in a row than it has attempts",
  PROCESSES,
  async () => {
    const down = { type: "error", status: 503 } as const;
    const server = await ollama(Array(8).fill(down));
    const retry = { attempts: 2, first: "1s", max: "1s" };
    const target = deployment(digestConfig(server.url, { breaker: { failures: 100 }, job: { retry } }));
    fillInbox(target, 1);

    expect(await target.afk(["tick"])).toMatchObject({ code: 0 });

    expectDone(target);
    const failed = target.logs().filter(({ event }) => event === "job_failed");
    expect(failed).toHaveLength(8);
    for (const line of failed) expect(line).toMatchObject({ counted: false, level: "warn" });
  },
);

const PRELOAD = fileURLToPath(new URL("./support/crash-preload.ts", import.meta.url));
const PRICES = { "ollama/test-model": { input: 1, output: 2 } };
const PRICE = { input: 1, output: 2, cacheRead: 1, cacheWrite: 1 };
/** A wait that the server asks for has no chance in it, and is too long for the tick to sit it out. */
const ASKS_FOR_TEN_MINUTES = { type: "error", status: 429, headers: { "retry-after": "600" } } as const;
const LANES = 2;

it(
  "waits on after a kill before and after every durable step of a tick whose model is down",
  async () => {
    const plain = await waiting();
    expect((await crash(plain.target, "")).code).toBe(69);
    const steps = readFileSync(join(plain.target.dir, "steps.log"), "utf8").trim().split("\n");
    // In `npm test` only where the queue is written last: the wait itself.
    const writes = [...steps.entries()].filter(([, step]) => /\bjobs\b/.test(step));
    const tried = isChaos() ? [...steps.entries()] : writes.slice(-2);
    expect(writes.length).toBeGreaterThan(2);
    const points = tried.flatMap(([index]) => [`${index + 1}:before`, `${index + 1}:after`]);
    let done = 0;
    const queue = points.values();
    const lane = async () => {
      for (const point of queue) {
        await crashWhileDown(point);
        done += 1;
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    report("crash points of a wait", done, `${steps.length} durable steps`);
    expect(done).toBe(points.length);
  },
  patience({ test: 180_000, chaos: 600_000 }),
);

/** Killed at the point; the next tick, still without a model, waits; one behind the wait does the work. */
async function crashWhileDown(point: string): Promise<void> {
  const { target, server } = await waiting();
  expect((await crash(target, point)).signal, point).toBe("SIGKILL");
  const { code } = await target.afk(["tick"]);
  expect([0, 69], point).toContain(code);
  const [job] = target.query<{ state: string; attempts: number; waiting_since: number | null }>(
    "select state, attempts, waiting_since from jobs",
  );
  // The kill may have taken an attempt. That the model is down never does.
  expect(job, point).toMatchObject({ state: "ready", waiting_since: expect.any(Number) });
  expect(job?.attempts, point).toBeLessThanOrEqual(1);

  server.otherwise({ type: "reply" });
  const clock = fakeClock(Date.now() + 11 * 60_000);
  const agent = await openAgent({ config: target.configFile, state: target.state, environment: {}, clock });
  await agent.tick().finally(() => agent.close());
  expect(target.query("select state, waiting_since from jobs"), point).toEqual([
    { state: "done", waiting_since: null },
  ]);
  expect(target.query("select * from dead_letters"), point).toEqual([]);
  expect(Object.keys(target.outputs()), point).toHaveLength(2);
  const [books] = target.query<{ settled: number; calls: number; open: number }>(
    `select sum(cost_micros) as settled, count(cost_micros) as calls,
       count(*) filter (where state in ('reserved', 'sending')) as open from ledger`,
  );
  expect(books, point).toEqual({ settled: server.billMicros(PRICE), calls: 2, open: 0 });
}

async function waiting(): Promise<{ target: Deployment; server: ModelEndpoint }> {
  const server = await startModelEndpoint("ollama");
  onTestFinished(() => server.close());
  server.otherwise(ASKS_FOR_TEN_MINUTES);
  const target = deployment(digestConfig(server.url, { models: { prices: PRICES } }));
  fillInbox(target, 1);
  return { target, server };
}

function crash(target: Deployment, point: string) {
  target.write("steps.log", "");
  return target.afk(["tick"], {
    NODE_OPTIONS: `--import=${PRELOAD}`,
    CRASH_LOG: join(target.dir, "steps.log"),
    CRASH_AT: point,
  });
}

function expectDone(target: Deployment): void {
  expect(target.query("select state, attempts, waiting_since from jobs")).toEqual([
    { state: "done", attempts: 1, waiting_since: null },
  ]);
  expect(target.query("select * from dead_letters")).toEqual([]);
  expect(target.query("select event from alerts where event = 'job_dead'")).toEqual([]);
  expect(Object.keys(target.outputs())).toHaveLength(2);
}
