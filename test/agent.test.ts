import { expect, it, onTestFinished } from "vitest";
import { type Agent, type AgentOptions, openAgent } from "../src/agent.ts";
import type { AlertPayload } from "../src/alerts/events.ts";
import { CallFailed } from "../src/rails/call.ts";
import { guard } from "../src/rails/guard.ts";
import { CapReached } from "../src/rails/halt.ts";
import { asked, type Deployment, deployment, digestConfig, fillInbox, ollama } from "./support/afk.ts";
import { fakeClock } from "./support/fake-clock.ts";
import { guardedCall } from "./support/rails.ts";

const PRICES = { "ollama/test-model": { input: 1, output: 2 } };
const HELLO = { messages: [{ role: "user" as const, content: "Hello there." }] };

it("completes through the guarded model and settles what it cost", async () => {
  const server = await ollama();
  const { agent, target } = await open(digestConfig(server.url, { models: { prices: PRICES } }));

  const completion = await agent.model.complete(HELLO);

  expect(completion).toMatchObject({ model: "ollama/test-model", degraded: false });
  expect(completion.costMicros).toBe(server.billMicros({ input: 1, output: 2, cacheRead: 1, cacheWrite: 1 }));
  expect(completion.costMicros).toBeGreaterThan(0);
  expect(target.query("select state, cost_micros, tick, job from ledger")).toEqual([
    { state: "settled", cost_micros: completion.costMicros, tick: null, job: null },
  ]);
  expect((await agent.status()).spend.find(({ window }) => window === "day")).toMatchObject({
    settledUsd: completion.costMicros / 1e6,
    reservedUsd: 0,
  });
});

it("aborts a completion by the caller's signal, with the caller's reason, and keeps it charged", async () => {
  const server = await ollama([{ type: "stall", pieces: 1 }]);
  const { agent, target } = await open(digestConfig(server.url, { models: { prices: PRICES } }));
  const stop = new AbortController();

  const call = agent.model.complete(HELLO, { signal: stop.signal });
  await server.request(1);
  stop.abort(new Error("the caller changed its mind"));

  await expect(call).rejects.toThrow("the caller changed its mind");
  await server.requests[0]?.closed;
  expect(target.query("select state from ledger")).toEqual([{ state: "unknown" }]);
  expect(target.query("select * from breakers")).toEqual([]);
});

it("guards any function: its value comes back and its cost is settled", async () => {
  const { agent, target } = await open(offline());

  const value = await agent.guard("search-api", 0.01, async (signal) => {
    expect(signal.aborted).toBe(false);
    expect(target.query("select state, estimate_micros from ledger")).toEqual([
      { state: "sending", estimate_micros: 10_000 },
    ]);
    return { value: "found", costUsd: 0.004 };
  });

  expect(value).toBe("found");
  expect(target.query("select model, state, cost_micros from ledger")).toEqual([
    { model: "search-api", state: "settled", cost_micros: 4_000 },
  ]);
});

it("refuses a guarded function whose estimate has no room under the cap, before it is called", async () => {
  const { agent, target, alerts } = await open(offline({ daily_cap_usd: 0.01 }));
  let calls = 0;
  const call = async () => {
    calls += 1;
    return { value: null, costUsd: 0 };
  };

  await expect(agent.guard("search-api", 0.010001, call)).rejects.toThrow(CapReached);

  expect(calls).toBe(0);
  expect(target.query("select * from ledger")).toEqual([]);
  expect(alerts.map(({ event }) => event)).toEqual(["cap_hit"]);
  // The very cap fits, once.
  await agent.guard("search-api", 0.01, async () => ({ value: null, costUsd: 0.01 }));
  await expect(agent.guard("search-api", 0.000001, call)).rejects.toThrow(CapReached);
});

it("keeps a guarded function that throws charged, and one that says it was free not", async () => {
  const { agent, target } = await open(offline());

  const broken = agent.guard("search-api", 0.01, () => Promise.reject(new Error("socket hang up")));
  await expect(broken).rejects.toThrow("socket hang up");
  const free = agent.guard("search-api", 0.02, () =>
    Promise.reject(new CallFailed("it said no", { charge: "none", trip: "count" })),
  );
  await expect(free).rejects.toThrow("it said no");

  expect(target.query("select state, estimate_micros from ledger order by estimate_micros")).toEqual([
    { state: "unknown", estimate_micros: 10_000 },
    { state: "released", estimate_micros: 20_000 },
  ]);
  expect((await agent.status()).unknown).toEqual({ calls: 1, usd: 0.01 });
  expect(target.query("select failures from breakers")).toEqual([{ failures: 2 }]);
});

it.each([Number.NaN, -1, Number.POSITIVE_INFINITY])(
  "does not take a cost of %s for free",
  async (costUsd) => {
    const { agent, target } = await open(offline());

    await expect(agent.guard("search-api", 0.01, async () => ({ value: 1, costUsd }))).rejects.toThrow(
      RangeError,
    );
    expect(target.query("select state from ledger")).toEqual([{ state: "unknown" }]);
    await expect(
      agent.guard("search-api", costUsd, async () => ({ value: 1, costUsd: 0 })),
    ).rejects.toThrow();
    expect(target.query("select state from ledger")).toHaveLength(1);
  },
);

it("refuses a completion and a guarded function while the kill switch is set", async () => {
  const server = await ollama();
  const { agent, target } = await open(digestConfig(server.url));
  target.write("state/STOP", "");

  await expect(agent.model.complete(HELLO)).rejects.toMatchObject({ code: "killed" });
  const call = async () => ({ value: 1, costUsd: 0 });
  await expect(agent.guard("search-api", 0, call)).rejects.toMatchObject({ code: "killed" });

  expect(server.requests).toEqual([]);
});

it("adds work once per key, runs it, and tells how it stands", async () => {
  const server = await ollama();
  const { agent, target } = await open(digestConfig(server.url));
  fillInbox(target, 1);

  expect(await agent.enqueue("digest", { key: "monday" })).toEqual({ key: "monday", added: true });
  expect(await agent.enqueue("digest", { key: "monday" })).toEqual({ key: "monday", added: false });
  expect((await agent.status()).queue).toEqual({ ready: 1, running: 0, done: 0, dead: 0 });
  const tick = await agent.tick();

  expect(tick).toMatchObject({ outcome: "ok", units: 1, exitCode: 0 });
  expect(asked(server)).toEqual(["item-01", "lead"]);
  expect((await agent.status()).lastTick).toMatchObject({ id: tick.tick, outcome: "ok", units: 1 });
  expect(target.query("select key, by_hand from jobs where key = 'monday'")).toEqual([
    { key: "monday", by_hand: 1 },
  ]);
});

it("refuses to add a job that afk.yaml does not name, and says which it might be", async () => {
  const { agent, target } = await open(digestConfig("http://127.0.0.1:9"));

  await expect(agent.enqueue("digset")).rejects.toMatchObject({ code: "unknown_job", exitCode: 2 });
  await expect(agent.enqueue("digset")).rejects.toThrow("Did you mean digest?");
  await expect(agent.tick({ now: "nothing-like-it" })).rejects.toThrow("There are: digest.");
  expect(target.query("select * from jobs")).toEqual([]);
});

it("ticks one at a time: a second agent on the same state is locked out", async () => {
  const server = await ollama([{ type: "stall", pieces: 1 }]);
  const { agent, target } = await open(digestConfig(server.url));
  const other = await reopen(target);
  fillInbox(target, 1);

  const ticking = agent.tick();
  await server.request(1);
  await expect(other.tick()).rejects.toMatchObject({ code: "locked", exitCode: 75 });
  await expect(other.run()).rejects.toMatchObject({ code: "locked" });

  agent.rails.watch.trip({ by: "signal", at: 0, reason: "the test is over" });
  expect(await ticking).toMatchObject({ outcome: "halted", exitCode: 0 });
  expect(await other.tick()).toMatchObject({ outcome: "ok" });
});

it("tells a listener of every alert once it is on disk, and what it throws changes nothing", async () => {
  const target = deployment(offline({ daily_cap_usd: 0.01 }));
  const alerts: AlertPayload[] = [];
  const agent = await reopen(target, {
    onAlert(alert) {
      expect(target.query("select key from alerts where key = ?", alert.key)).toHaveLength(1);
      alerts.push(alert);
      throw new Error("the listener is broken");
    },
  });

  const call = agent.guard("search-api", 1, async () => ({ value: 1, costUsd: 0 }));
  await expect(call).rejects.toThrow(CapReached);

  expect(alerts).toEqual([
    expect.objectContaining({ version: 1, event: "cap_hit", agent: "test-agent", severity: "warn", pct: 0 }),
  ]);
  expect(target.logs()).toContainEqual(
    expect.objectContaining({ event: "alert_failed", error: "the listener is broken" }),
  );
});

it("hands each log line to its listener as well as to the file", async () => {
  const target = deployment(offline());
  const lines: string[] = [];
  const agent = await reopen(target, { onLogLine: (line) => lines.push(line) });

  await agent.tick();

  expect(lines.map((line) => JSON.parse(line))).toEqual(target.logs());
  expect(target.events()).toEqual(["tick_started", "tick_finished"]);
});

it("refuses a model without a price when it is opened, with exit code 78", async () => {
  const target = deployment(offline({}, { chain: ["openai/no-such-model"] }));
  await expect(
    openAgent({
      config: target.configFile,
      state: target.state,
      environment: { OPENAI_API_KEY: "k".repeat(20) },
    }),
  ).rejects.toMatchObject({ exitCode: 78 });
});

it("holds calls of a client to the client's caps, shows them, and follows afk.yaml at once where they fall", async () => {
  const config = (daily_usd: number) => ({
    ...offline(),
    gateway: { clients: [{ name: "laptop", caps: { daily_usd, daily_calls: 9 } }, { name: "ci" }] },
  });
  const { agent, target, alerts } = await open(config(0.5));
  const callOf = (client: string) =>
    guard(
      agent.rails,
      guardedCall(agent.rails, { scope: { tick: null, job: null, client }, estimateMicros: 300_000 }),
    );
  await callOf("laptop");
  const rows = async () =>
    (await agent.status()).spend.flatMap(({ scope, unit, cap, settled }) =>
      scope === "client:laptop" ? [{ unit, cap, settled }] : [],
    );
  expect(await rows()).toEqual([
    { unit: "usd", cap: 0.5, settled: 0.0004 },
    { unit: "calls", cap: 9, settled: 1 },
  ]);
  target.configure(config(0.3));
  await expect(callOf("laptop")).rejects.toThrow(
    "the day cap of client laptop of $0.30 has no room for a call of at most $0.30 ($0.0004 spent",
  );
  await callOf("ci");
  target.configure(config(0));
  await expect(callOf("laptop")).rejects.toThrow("the day cap of client laptop of $0.00");
  expect(alerts.filter(({ event }) => event === "cap_hit")).toMatchObject([
    { title: expect.stringContaining("client laptop") },
  ]);
});

/** An agent without jobs that needs no model. */
function offline(budget: object = {}, models: object = {}): Record<string, unknown> {
  return {
    agent: "test-agent",
    budget: { daily_cap_usd: 1, ...budget },
    models: { chain: ["extractive"], ...models },
  };
}

async function open(
  config: Record<string, unknown>,
): Promise<{ agent: Agent; target: Deployment; alerts: AlertPayload[] }> {
  const target = deployment(config);
  const alerts: AlertPayload[] = [];
  const agent = await reopen(target, { onAlert: (alert) => alerts.push(alert) });
  return { agent, target, alerts };
}

async function reopen(target: Deployment, options: AgentOptions = {}): Promise<Agent> {
  const agent = await openAgent({
    config: target.configFile,
    state: target.state,
    environment: {},
    clock: fakeClock(),
    ...options,
  });
  onTestFinished(() => agent.close());
  return agent;
}
