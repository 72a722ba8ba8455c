import { describe, expect, it, onTestFinished } from "vitest";
import { type Agent, openAgent } from "../../../src/agent.ts";
import { ask } from "../../../src/runner/questions/question.ts";
import { type Deployment, deployment, digestConfig, fillInbox, ollama } from "../../support/afk.ts";
import { afk, afkJson } from "./in-process.ts";

const PRICES = { "ollama/test-model": { input: 1, output: 2 } };
const ISO = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;

describe("status", () => {
  it("has the shape that was promised, before anything was done", async () => {
    const target = deployment(digestConfig("http://127.0.0.1:9"));
    const { code, json } = await afkJson(target, "status");

    expect(code).toBe(0);
    expect(json).toMatchObject({
      agent: "test-agent",
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      killed: null,
      breakers: [],
      queue: { ready: 0, running: 0, done: 0, dead: 0 },
      alerts: { pending: 0 },
      drafts: { pending: 0 },
      lastTick: null,
      nextDueAt: null,
      clock: null,
    });
    const { spend } = json as { spend: { window: string }[] };
    expect(spend.find(({ window }) => window === "day")).toEqual({
      window: "day",
      scope: "agent",
      unit: "usd",
      cap: 1,
      settled: 0,
      reserved: 0,
      period: expect.stringMatching(/^\d{4}-\d{2}-\d{2}$/),
      capUsd: 1,
      settledUsd: 0,
      reservedUsd: 0,
    });
  });

  it("tells of spend, breakers, queue and the last tick, in JSON and in words", async () => {
    const { target } = await worked();
    const { json } = await afkJson(target, "status");

    expect(json).toMatchObject({
      killed: null,
      breakers: [
        { name: "model:ollama/test-model", state: "closed", failures: 1, until: null },
        { name: "search-api", state: "closed", failures: 1, until: null },
      ],
      queue: { ready: 0, running: 0, done: 1, dead: 0 },
      unknown: { calls: 1, usd: 0.01 },
      lastTick: {
        id: expect.any(String),
        startedAt: expect.stringMatching(ISO),
        finishedAt: expect.stringMatching(ISO),
        outcome: "ok",
        units: 1,
      },
      nextDueAt: expect.stringMatching(ISO),
    });
    const { spend, lastTick } = json as { spend: Record<string, number>[]; lastTick: { usd: number } };
    expect(spend[1]).toMatchObject({ window: "day", settledUsd: lastTick.usd, reservedUsd: 0.01 });
    expect(lastTick.usd).toBeGreaterThan(0);

    const text = (await afk(target, "status")).stdout;
    expect(text).toMatch(/^test-agent {2}afk \d/);
    expect(text).toMatch(/^kill +off$/m);
    expect(text).toMatch(/^day +█?▒+░+ +1 % {2}\$0\.01\d* of \$1\.00 \(\$0\.01 reserved\)$/m);
    expect(text).toMatch(
      /^unknown +1 call, charged at \$0\.01 until you say what they cost: afk ledger list --unknown$/m,
    );
    expect(text).toMatch(/^breakers +model:ollama\/test-model closed, 1 failure in a row$/m);
    expect(text).toMatch(/^queue +0 ready, 0 running, 1 done, 0 dead$/m);
    expect(text).toMatch(/^last tick +ok .*1 unit,/m);
  });

  it("shows a set switch first, on one line whatever its reason holds", async () => {
    const target = deployment(digestConfig("http://127.0.0.1:9"));
    await afk(target, "stop", "--reason", "odd\u001b[2J\nbill");

    const [, needs, , kill = ""] = (await afk(target, "status")).stdout.split("\n");
    expect(needs).toBe("! needs you: the kill switch is set");

    expect(kill).toMatch(/^kill +STOPPED by afk stop .*: odd bill\. To go on: afk resume$/);
  });
});

describe("ledger", () => {
  it("lists every call, and those that are unknown", async () => {
    const { target } = await worked();

    const { json } = await afkJson(target, "ledger");
    expect(json).toHaveLength(4);
    expect(json).toContainEqual(
      expect.objectContaining({
        model: "ollama/test-model",
        state: "settled",
        step: "lead",
        degraded: false,
      }),
    );
    const unknown = (await afkJson(target, "ledger", "list", "--unknown")).json;
    expect(unknown).toEqual([
      expect.objectContaining({
        model: "search-api",
        state: "unknown",
        estimateMicros: 10_000,
        costMicros: null,
      }),
    ]);
    const text = (await afk(target, "ledger")).stdout;
    expect(text).toMatch(/^ID +AT +WHO +MODEL +STATE +COST +TOKENS$/m);
    expect(text).toMatch(/ search-api +unknown +\$0\.01 +-\/-\n +socket hang up$/m);
    expect((await afkJson(target, "ledger", "--limit", "1")).json).toHaveLength(1);
  });

  it("says what is asked about caps below what was spent, where nothing particular is looked for", async () => {
    const { target } = await worked();
    const agent = await openAgent({ config: target.configFile, state: target.state, environment: {} });
    onTestFinished(() => agent.close());
    const key = (await agent.enqueue("digest", { key: "asking" })).key;
    const question = { kind: "cap", subject: key, job: "digest", message: "May it?", detail: "{}" } as const;
    const expires_at = Date.now() + 3_600_000;
    await agent.store.atomically((trx) => ask(trx, { ...question, expires_at }, Date.now()));

    const told = "questions digest asks whether it may go on: May it? Answer: afk questions\n";
    expect((await afk(target, "ledger")).stdout).toContain(told);
    expect((await afk(target, "ledger", "--unknown")).stdout).not.toContain(told);
    expect((await afkJson(target, "ledger")).json).toHaveLength(4);
  });

  it("filters the calls, and adds them up", async () => {
    const { target } = await worked();

    const sums = (await afkJson(target, "ledger", "list", "--by", "model", "--since", "1h")).json;
    expect(sums).toEqual([
      expect.objectContaining({ name: "search-api", calls: 1, unknownCalls: 1, unknownMicros: 10_000 }),
      expect.objectContaining({ name: "ollama/test-model", calls: 3, unknownCalls: 0 }),
    ]);
    expect((await afkJson(target, "ledger", "--job", "digest", "--by", "job")).json).toEqual([
      expect.objectContaining({ name: "digest", calls: 2 }),
    ]);
    expect((await afk(target, "ledger", "--by", "model")).stdout).toMatch(
      /^MODEL +CALLS +SETTLED +RESERVED +UNKNOWN +DEGRADED +TOKENS$/m,
    );
    expect((await afk(target, "ledger", "--client", "nobody")).stdout).toBe("no such call was made\n");
    expect((await afk(target, "ledger", "--by", "colour")).code).toBe(2);
  });

  it("takes from a person what an unknown call cost, once, and says so in the log", async () => {
    const { target } = await worked();
    const [entry] = (await afkJson(target, "ledger", "list", "--unknown")).json as { id: string }[];
    const id = entry!.id;

    expect((await afk(target, "ledger", "reconcile", id)).code).toBe(2);
    expect((await afk(target, "ledger", "reconcile", id, "--usd=-1")).code).toBe(2);
    expect(await afkJson(target, "ledger", "reconcile", id, "--usd", "0.0042")).toEqual({
      code: 0,
      json: { id, costMicros: 4_200 },
    });
    expect((await afkJson(target, "status")).json).toHaveProperty("unknown", { calls: 0, usd: 0 });
    expect(target.logs()).toContainEqual(
      expect.objectContaining({ event: "call_reconciled", entry: id, costMicros: 4_200 }),
    );

    for (const other of [id, "no-such-entry"]) {
      const again = await afkJson(target, "ledger", "reconcile", other, "--usd", "0");
      expect(again.code).toBe(2);
      expect(again.json).toHaveProperty("error.code", "not_unknown");
    }
    expect((await afk(target, "ledger", "--unknown")).stdout).toBe("nothing is unknown\n");
  });
});

describe("logs", () => {
  it("gives one tick's lines and no others", async () => {
    const { target, agent } = await worked();
    const { tick } = await agent.tick();
    const all = target.logs();
    const wanted = all.filter((line) => line.tick === tick);
    expect(wanted.length).toBeGreaterThan(1);
    expect(wanted.length).toBeLessThan(all.length);

    expect(await lines(target, "--tick", tick)).toEqual(wanted);
    expect(await lines(target, "--tick", "no-such-tick")).toEqual([]);
    expect(await lines(target)).toEqual(all);
    const text = (await afk(target, "logs", "--tick", tick)).stdout;
    expect(text).toMatch(/^tick .* {2}idle/);
    expect((await afk(target, "logs", "--tick", "last")).stdout).toBe(text);
    const flat = (await afk(target, "logs", "--tick", tick, "--level", "debug")).stdout;
    expect(flat.trim().split("\n")).toHaveLength(wanted.length);
  });

  it("filters by event, job and time", async () => {
    const { target } = await worked();
    const [job] = target.query<{ key: string }>("select key from jobs");

    const done = await lines(target, "--event", "call_done");
    expect(new Set(done.map(({ event }) => event))).toEqual(new Set(["call_done"]));
    expect((await lines(target, "--job", job!.key)).every((line) => line.job === job!.key)).toBe(true);
    expect(await lines(target, "--since", "1h")).toEqual(target.logs());
    expect(await lines(target, "--since", "2999-01-01")).toEqual([]);
    expect(await lines(target, "-n", "1")).toEqual(target.logs().slice(-1));
    expect(await lines(target, "--until", "2000-01-01")).toEqual([]);
    expect((await lines(target, "--level", "warn")).every(({ level }) => level !== "info")).toBe(true);
    for (const since of ["yesterday", "2026-13-45"])
      expect((await afk(target, "logs", "--since", since)).code).toBe(2);
  });
});

it("logs says so when an event's name is misspelt, and when no tick has run", async () => {
  const target = deployment(digestConfig("http://127.0.0.1:1"));
  const misspelt = await afk(target, "logs", "--event", "sorce_failed,tick_started");
  expect(misspelt).toMatchObject({ code: 0, stdout: "" });
  expect(misspelt.stderr).toBe('afk logs: no event is called "sorce_failed". Did you mean source_failed?\n');
  const none = await afk(target, "logs", "--tick", "last");
  expect(none).toMatchObject({ code: 0, stdout: "", stderr: "the log has no tick yet: afk tick\n" });
});

/** One tick that made a digest for money, then a guarded call of whose end nobody knows. */
async function worked(): Promise<{ target: Deployment; agent: Agent }> {
  const server = await ollama();
  const target = deployment(digestConfig(server.url, { models: { prices: PRICES } }));
  fillInbox(target, 1);
  const agent = await openAgent({ config: target.configFile, state: target.state });
  onTestFinished(() => agent.close());
  await agent.tick();
  const lost = agent.guard("search-api", 0.01, () => Promise.reject(new Error("socket hang up")));
  await expect(lost).rejects.toThrow("socket hang up");
  server.script([{ type: "error", status: 404 }]);
  const failed = agent.model.complete({ messages: [{ role: "user", content: "Hello." }] });
  await expect(failed).rejects.toMatchObject({ code: "model_unusable" });
  return { target, agent };
}

async function lines(target: Deployment, ...words: string[]): Promise<Record<string, unknown>[]> {
  const { code, stdout } = await afk(target, "logs", ...words, "--json");
  expect(code).toBe(0);
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}
