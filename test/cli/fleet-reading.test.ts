// @module-tag processes
// @module-tag slow
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { openDashboard } from "../../src/dashboard/server.ts";
import { jobKinds } from "../../src/jobs/registry.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { readConfig } from "../../src/ops/read-config.ts";
import { deployment } from "../support/afk.ts";
import { postgresProblem } from "../support/postgres/binaries.ts";
import { freshDatabase } from "../support/postgres/shared.ts";

const problem = postgresProblem();
const skipped = problem === null ? "" : ` -- skipped: ${problem}`;
const CONFIG = {
  agent: "test",
  budget: { daily_cap_usd: 1 },
  models: { chain: ["extractive"] },
  dashboard: { port: 0 },
  jobs: [{ name: "hello", kind: "exec", command: ["/bin/echo", "hello"], every: "1h" }],
};

async function fleetOfOne() {
  const url = await freshDatabase();
  const afk = deployment(CONFIG);
  return { url, afk, run: (...words: string[]) => afk.afk(words, { DATABASE_URL: url }) };
}

const pageOf = async (afk: ReturnType<typeof deployment>, url: string) => {
  const config = readConfig(
    { config: afk.configFile, state: afk.state, environment: { DATABASE_URL: url } },
    () => jobKinds,
  );
  const site = await openDashboard({
    config,
    version: "1.2.3",
    clock: systemClock,
    onError: () => undefined,
  });
  onTestFinished(() => site.close());
  return async (path: string) => await (await fetch(new URL(path, site.url))).text();
};

describe.skipIf(problem !== null)(`reading a fleet's state${skipped}`, () => {
  test("before the first tick nothing is made, and every command that reads says so", async () => {
    const { url, afk, run } = await fleetOfOne();
    const status = await run("status", "--json");
    expect(status.code, status.stderr).toBe(0);
    expect(JSON.parse(status.stdout)).toMatchObject({ killed: null, lastTick: null });
    for (const words of [["health"], ["ledger"], ["jobs"], ["report"]])
      expect(await run(...words), words.join()).toMatchObject({ code: 0 });
    expect(await (await pageOf(afk, url))("/")).toContain("Has not run yet");
    // Nothing was made: a reader that had made the schema would have given the agent its name.
    const again = await run("status");
    expect(again.stdout).toContain("none yet");
  });

  test("after a tick status, health, ledger, jobs, page and metrics show the database", async () => {
    const { url, afk, run } = await fleetOfOne();
    const page = await pageOf(afk, url);
    expect(await page("/")).toContain("Has not run yet");
    const tick = await run("tick");
    expect(tick.code, tick.stderr + tick.stdout).toBe(0);
    expect(readdirSync(afk.state)).not.toContain("afk.db");
    const status = JSON.parse((await run("status", "--json")).stdout);
    expect(status).toMatchObject({ agent: "test", queue: { done: 1 }, lastTick: { outcome: "ok" } });
    expect((await run("jobs")).stdout).toContain("hello");
    expect(await run("health")).toMatchObject({ code: 0 });
    expect(await run("watchdog")).toMatchObject({ code: 0 });
    expect((await run("report")).stdout).toContain("ticks");
    expect((await run("doctor", "--offline")).stdout).not.toContain("could not be looked at");
    expect(await page("/")).toContain("hello");
    expect(await page("/metrics")).toContain('afk_ticks_total{outcome="ok"} 1');
  });

  test("another agent's schema is refused, and a database that is away is a finding", async () => {
    const { url, afk, run } = await fleetOfOne();
    await run("tick");
    const other = deployment({ ...CONFIG, agent: "other", database: { url, schema: "afk_test" } });
    expect(await other.afk(["status"])).toMatchObject({ code: 78 });
    expect((await other.afk(["health"])).code).not.toBe(0);
    expect(await other.afk(["tick"])).toMatchObject({ code: 78 });
    const away = { DATABASE_URL: "postgres://me:geheim@127.0.0.1:1/none" };
    const health = await afk.afk(["health"], away);
    expect(health.code).not.toBe(0);
    expect(`${health.stdout}${health.stderr}`).toContain("cannot be reached");
    const status = await afk.afk(["status"], away);
    expect(status.code).toBe(69);
    expect(status.stderr).not.toContain("geheim");
  });
});

describe.skipIf(problem !== null)(
  `a state in one place, and a configuration that names another${skipped}`,
  () => {
    test("a machine of a fleet does not make a new budget of its own where DATABASE_URL is missing", async () => {
      const { afk, run } = await fleetOfOne();
      await run("tick");
      // What takes part in a fleet writes it; said here in case it does not.
      writeFileSync(join(afk.state, "machine.json"), '{"id":"m"}\n');
      for (const words of [["tick"], ["status"], ["ledger"], ["backup", "copy.db"], ["adopt", "--yes"]]) {
        const refused = await afk.afk(words);
        expect(refused, words.join(" ")).toMatchObject({ code: 78 });
        expect(refused.stderr).toContain("DATABASE_URL");
      }
      expect(readdirSync(afk.state)).not.toContain("afk.db");
      // The switch must work whatever else is wrong; that it is this machine's alone is said.
      const stopped = await afk.afk(["stop"]);
      expect(stopped.code).toBe(69);
      expect(stopped.stdout).toContain("ONLY THIS MACHINE");
      expect(readdirSync(afk.state)).toContain("STOP");
    });

    test("a database whose schema is empty is no new budget for an agent that has worked", async () => {
      const { afk, run } = await fleetOfOne();
      expect((await afk.afk(["tick"])).code).toBe(0);
      for (const words of [["tick"], ["status"], ["health"]]) {
        const refused = await run(...words);
        expect(refused.code, words.join(" ")).not.toBe(0);
        expect(`${refused.stderr}${refused.stdout}`, words.join(" ")).toContain("afk move --to postgres");
      }
      expect((await afk.afk(["tick"])).code).toBe(0);
    });
  },
);
