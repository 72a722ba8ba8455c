import { existsSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { sql } from "kysely";
import { describe, expect, onTestFinished, test } from "vitest";
import { jobKinds } from "../../src/jobs/registry.ts";
import type { Check } from "../../src/ops/doctor/check.ts";
import { thisHost } from "../../src/ops/doctor/host.ts";
import { type Diagnosis, diagnoseState, examine } from "../../src/ops/doctor.ts";
import { stopByRow } from "../../src/ops/stop.ts";
import { acquireLock } from "../../src/store/sqlite/lock.ts";
import { openStore } from "../../src/store/sqlite/open.ts";
import { type Deployment, deployment, digestConfig, fillInbox } from "../support/afk.ts";
import { spend } from "../support/rails.ts";
import { type OpsHarness, opsHarness } from "./harness.ts";

const WEBHOOK = { type: "webhook", url: "http://127.0.0.1:1/hook" };
/** This machine, without what its own environment says. */
const HOST = { ...thisHost({}), envFile: "/no/such/file" };

async function checksOf(
  { config, rails }: OpsHarness,
  options: Partial<Diagnosis> = {},
): Promise<Record<string, Check>> {
  const how = { isOffline: true, host: HOST, clock: rails.clock, ...options };
  const checks = await examine(config, rails.store, how);
  return Object.fromEntries(checks.map((check) => [check.name, check]));
}

describe("a healthy agent", () => {
  test("has every check, each of them good and none with something to mend", async () => {
    const harness = await opsHarness({
      alerts: [WEBHOOK],
      heartbeat: { ping_url: "http://127.0.0.1:1/ping" },
    });
    const checks = Object.values(await checksOf(harness));
    expect(checks.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        "configuration",
        "state",
        "disk",
        "kill switch",
        "lock",
        "counters",
        "prices",
        "model extractive",
        "alerts by webhook",
        "off-host ping",
        "secrets",
        "file system",
        "budget clock",
        "wall clock",
      ]),
    );
    for (const check of checks) {
      expect(check).toMatchObject({ result: check.name === "wall clock" ? "skipped" : "ok", mend: null });
      expect(check.network).toBe(check.name === "wall clock");
    }
  });
});

describe("what is wrong is found, with how to mend it", () => {
  test("a kill switch that is set", async () => {
    const harness = await opsHarness();
    await stopByRow(harness.rails, "looks wrong", harness.rails.clock);
    expect((await checksOf(harness))["kill switch"]).toEqual({
      group: "state",
      name: "kill switch",
      network: false,
      code: "killed",
      result: "bad",
      found: "set by row: looks wrong",
      mend: "afk resume",
    });
  });

  test("a counter that does not agree with the ledger", async () => {
    const harness = await opsHarness();
    await spend(harness.rails, 1_000);
    await sql`update budget_windows set settled_micros = 0 where "window" = 'day'`.execute(
      harness.rails.store.db,
    );
    const { counters } = await checksOf(harness);
    expect(counters).toMatchObject({ result: "bad", found: expect.stringContaining("day 2026-11-21") });
    expect(counters!.mend).not.toBeNull();
  });

  test("no channel for alerts", async () => {
    expect((await checksOf(await opsHarness())).alerts).toMatchObject({
      result: "warn",
      mend: expect.stringContaining("ALERT_WEBHOOK"),
    });
  });

  test("a file where a folder of the state should be", async () => {
    const harness = await opsHarness();
    writeFileSync(harness.config.paths.out, "");
    expect((await checksOf(harness)).state).toMatchObject({
      result: "bad",
      found: expect.stringContaining(harness.config.paths.out),
      mend: expect.stringContaining(harness.config.paths.state),
    });
  });
});

test("an agent at work is not taken for a fault", async () => {
  const harness = await opsHarness();
  expect((await checksOf(harness)).lock).toMatchObject({ result: "ok", found: "nobody is at work" });
  const lock = acquireLock(harness.config.paths.lock);
  expect((await checksOf(harness)).lock).toMatchObject({
    result: "ok",
    found: `process ${process.pid} is at work now`,
  });
  lock.release();
  expect((await checksOf(harness)).lock).toMatchObject({ result: "ok", found: "nobody is at work" });
});

test("missing folders of the state are left to the first tick", async () => {
  const harness = await opsHarness();
  rmSync(harness.config.paths.logs, { recursive: true, force: true });
  expect((await checksOf(harness)).state).toMatchObject({ result: "ok" });
  expect(existsSync(harness.config.paths.logs)).toBe(false);
});

describe("models", () => {
  async function ollama(models: string[]): Promise<{ url: string; asked: string[] }> {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      response.end(JSON.stringify({ models: models.map((name) => ({ name })) }));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
  }

  const chainOf = (base_url: string) => ({
    models: { chain: ["ollama/qwen2.5:3b", "extractive"], providers: { ollama: { base_url } } },
  });

  test("that are there are told of, and asked for without a completion", async () => {
    const server = await ollama(["qwen2.5:3b"]);
    const checks = await checksOf(await opsHarness(chainOf(server.url)), { isOffline: false });
    expect(checks["model ollama/qwen2.5:3b"]).toMatchObject({ result: "ok" });
    expect(server.asked).toEqual(["GET /api/tags"]);
  });

  test("that were never pulled are named with the command that does it", async () => {
    const server = await ollama(["llama3:8b"]);
    const checks = await checksOf(await opsHarness(chainOf(server.url)), { isOffline: false });
    expect(checks["model ollama/qwen2.5:3b"]).toMatchObject({
      result: "warn",
      mend: "ollama pull qwen2.5:3b",
    });
  });

  test("are not asked for without a network, and say so", async () => {
    const server = await ollama([]);
    const checks = await checksOf(await opsHarness(chainOf(server.url)), { isOffline: true });
    expect(checks["model ollama/qwen2.5:3b"]).toMatchObject({ result: "skipped", mend: null });
    expect(checks["model extractive"]).toMatchObject({ result: "ok" });
    expect(server.asked).toEqual([]);
  });

  test("that nobody serves are told of with the address that was asked", async () => {
    const checks = await checksOf(await opsHarness(chainOf("http://127.0.0.1:1")), { isOffline: false });
    expect(checks["model ollama/qwen2.5:3b"]).toMatchObject({
      result: "warn",
      found: expect.stringMatching(/127\.0\.0\.1:1.*until then extractive does its work/),
    });
  });

  test("that nothing stands in for are bad", async () => {
    const { models } = chainOf("http://127.0.0.1:1");
    const alone = { models: { ...models, chain: ["ollama/qwen2.5:3b"] } };
    const checks = await checksOf(await opsHarness(alone), { isOffline: false });
    expect(checks["model ollama/qwen2.5:3b"]).toMatchObject({ result: "bad" });
  });
});

describe("what is refused is a finding, and the rest is looked at all the same", () => {
  const look = async (target: Deployment) =>
    await diagnoseState(
      { config: target.configFile, state: target.state, environment: {}, kinds: () => jobKinds },
      { isOffline: true, host: HOST },
    );
  const badOf = (checks: Check[]) => checks.filter(({ result }) => result === "bad");

  test("a configuration, each fault by itself", async () => {
    const config = digestConfig("http://127.0.0.1:9", { models: { chain: ["openai/no-such-model"] } });
    const unpriced = badOf(await look(deployment(config)));
    expect(unpriced).toMatchObject([
      { name: "prices", found: expect.stringContaining("openai/no-such-model") },
    ]);
    const checks = await look(deployment({ ...config, budget: {}, agnt: 1 }));
    expect(badOf(checks).map(({ found }) => found)).toEqual(
      expect.arrayContaining([expect.stringContaining("daily_cap_usd"), expect.stringContaining("agnt")]),
    );
    expect(checks.map(({ name }) => name)).toContain("node");
  });

  test("a database that is newer", async () => {
    const target = deployment(digestConfig("http://127.0.0.1:9"));
    fillInbox(target, 1);
    await (await openStore(`${target.state}/afk.db`)).close();
    const { default: Database } = await import("better-sqlite3");
    const database = new Database(`${target.state}/afk.db`);
    database.exec("insert into kysely_migration values ('9999-future', '2030-01-01')");
    database.close();
    const checks = await look(target);
    expect(badOf(checks)).toMatchObject([
      { name: "state", found: expect.stringContaining("newer than this") },
    ]);
    expect(checks.map(({ name }) => name)).toEqual(expect.arrayContaining(["disk", "off-host ping", "node"]));
  });
});

test("a look that fails is a finding too", async () => {
  const harness = await opsHarness();
  const host = { ...HOST, platform: "linux", mountInfo: "/no/such/file" };
  expect((await checksOf(harness, { host }))["file system"]).toMatchObject({
    result: "bad",
    found: expect.stringContaining("could not be looked at: ENOENT"),
  });
});
