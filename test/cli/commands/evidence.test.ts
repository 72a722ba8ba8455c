import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openAgent } from "../../../src/agent.ts";
import { configHash } from "../../../src/config/hash.ts";
import { recordDrill } from "../../../src/evidence/drills.ts";
import { type Deployment, deployment } from "../../support/afk.ts";
import { afk, afkJson, tick } from "./in-process.ts";

describe("afk clock", () => {
  it("refuses to start without drills, and says which", async () => {
    const target = offline();
    const { code, stdout, stderr } = await afk(target, "clock", "start");
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain("cap has not passed");
    expect((await afk(target, "clock")).stdout).toMatch(/no clock runs[\s\S]*cap has not passed/);
    expect(await afk(target, "clock", "stop")).toMatchObject({ code: 1 });
  });

  it("starts, is in the status, is marked by work by hand, and stops", async () => {
    const target = offline();
    await passDrills(target);
    expect(await afk(target, "clock", "start")).toMatchObject({ code: 0 });
    expect((await afkJson(target, "status")).json).toMatchObject({
      clock: { days: 0, dayZero: expect.any(String), lastDay: null },
    });
    expect((await afk(target, "status")).stdout).toMatch(/clock +0 unattended days in a row/);
    expect(readFileSync(join(target.state, "runs", "run-log.md"), "utf8")).toContain("The clock runs");
    expect((await afkJson(target, "clock", "stop", "--dry-run")).json).toMatchObject({ dryRun: true });
    expect((await afkJson(target, "clock")).json).toMatchObject({ clock: { days: 0 }, missing: [] });
    expect(await afk(target, "clock", "stop")).toMatchObject({ code: 0 });
    expect((await afkJson(target, "status")).json).toMatchObject({ clock: null });
  });
});

describe("afk incidents", () => {
  it("says that nothing broke, and refuses to close what there is none of", async () => {
    const target = offline();
    expect((await afk(target, "incidents")).stdout).toBe("no open incidents\n");
    expect(await afk(target, "incidents", "close", "x", ...WORDS)).toMatchObject({ code: 1, stdout: "" });
    expect((await afk(target, "incidents", "show", "x")).stderr).toContain("there is no incident x");
  });

  it("shows one, and closes it only with all that is asked for", async () => {
    const target = offline();
    const id = await breakSomething(target);
    expect((await afk(target, "incidents")).stdout).toContain(id.slice(-8));
    expect((await afk(target, "incidents", "show", id)).stdout).toMatch(
      /event +wedged[\s\S]*trace +afk logs --/,
    );
    const short = await afk(target, "incidents", "close", id, "--cause", "a loop");
    expect(short).toMatchObject({ code: 2, stderr: expect.stringContaining("--fix, --prevention") });
    const empty = await afk(target, "incidents", "close", id, ...WORDS.slice(0, -1), " ");
    expect(empty).toMatchObject({ code: 1, stderr: expect.stringContaining("--prevention says nothing") });
    expect((await afkJson(target, "incidents", "close", id, ...WORDS)).json).toMatchObject({
      state: "closed",
    });
    expect(await afk(target, "incidents", "close", id)).toMatchObject({ code: 1 });
    expect(readFileSync(join(target.state, "runs", "INCIDENTS.md"), "utf8")).toContain("a loop");
    expect((await afkJson(target, "incidents", "list", "--all")).json).toMatchObject([{ id }]);
  });

  it("has its file written by the next tick, which also ends what it shows to be over", async () => {
    const target = offline();
    const id = await breakSomething(target, "tick_failed");
    await new Promise((resolve) => setImmediate(resolve));
    await tick(target);
    expect(readFileSync(join(target.state, "runs", "INCIDENTS.md"), "utf8")).toContain(
      "recovered, not closed",
    );
    rmSync(join(target.state, "runs"), { recursive: true });
    await tick(target);
    expect(readFileSync(join(target.state, "runs", "INCIDENTS.md"), "utf8")).toContain(id);
  });

  it("opens one for a dead letter, which ends when that is dropped", async () => {
    const target = offline([
      { name: "bad", kind: "exec", every: "1d", retry: { attempts: 1 }, command: ["false"] },
    ]);
    await tick(target);
    const [incident] = (await afkJson(target, "incidents")).json as {
      job: string;
      state: string;
      tick: string;
    }[];
    expect(incident).toMatchObject({ state: "lasting", event: "job_dead", tick: expect.any(String) });
    await afk(target, "dead", "drop", incident!.job);
    expect((await afkJson(target, "incidents")).json).toMatchObject([{ state: "recovered" }]);
  });
});

describe("afk release", () => {
  it("records nothing with --dry-run, and makes no state", async () => {
    const target = offline();
    expect((await afkJson(target, "release", "--dry-run")).json).toMatchObject({ recorded: null });
    expect(existsSync(target.state)).toBe(false);
    expect(await afk(target, "release", "--reason", " ")).toMatchObject({ code: 2 });
  });

  it("records, tells of drift, and puts a former configuration back", async () => {
    const target = offline();
    const first = (await afkJson(target, "release", "--reason", "first")).json as { configHash: string };
    const before = readFileSync(target.configFile, "utf8");
    writeFileSync(target.configFile, before.replace('"daily_cap_usd": 1', '"daily_cap_usd": 3'));
    await tick(target);
    await tick(target);
    expect(target.events().filter((event) => event === "drift_found")).toHaveLength(1);
    expect((await afk(target, "doctor", "--offline")).stdout).toContain("was never released");
    const second = await afk(target, "release", "--reason", "more");
    expect(second.stderr).toContain("daily cap 1.00 -> 3.00");

    const hash = first.configHash.slice(0, 10);
    expect((await afk(target, "release", "--to", hash, "--dry-run")).stdout.trim()).toBe(before.trim());
    expect((await afk(target, "release", "--to", "ffffff")).code).toBe(1);
    expect(readFileSync(target.configFile, "utf8")).toContain('"daily_cap_usd": 3');
    expect((await afkJson(target, "release", "--to", hash)).json).toMatchObject({
      kept: expect.stringContaining("afk.yaml.before-release-"),
      recorded: { difference: ["daily cap 3.00 -> 1.00"], reason: `put back ${hash}` },
    });
    expect(readFileSync(target.configFile, "utf8")).toBe(before);
    expect(readdirSync(join(target.state, "runs")).sort()).toHaveLength(3);
  });
});

const WORDS = ["--cause", "a loop", "--fix", "a bound", "--prevention", "a test"];

function offline(jobs: object[] = []): Deployment {
  return deployment({
    agent: "test-agent",
    budget: { daily_cap_usd: 1 },
    models: { chain: ["extractive"] },
    jobs,
  });
}

async function withAgent<T>(
  target: Deployment,
  work: (agent: Awaited<ReturnType<typeof openAgent>>) => Promise<T>,
): Promise<T> {
  const agent = await openAgent({ config: target.configFile, state: target.state, environment: {} });
  try {
    return await work(agent);
  } finally {
    await agent.close();
  }
}

async function breakSomething(
  target: Deployment,
  event: "wedged" | "tick_failed" = "wedged",
): Promise<string> {
  return await withAgent(target, async ({ store, outbox, rails }) => {
    await store.atomically((trx) =>
      outbox.announce(trx, { event, title: "It hung", message: "m", subject: "", occurrence: "1" }),
    );
    return (await rails.store.db.selectFrom("incidents").select("id").executeTakeFirstOrThrow()).id;
  });
}

async function passDrills(target: Deployment): Promise<void> {
  await withAgent(target, async ({ config, version, rails }) => {
    for (const name of ["cap", "stop-file", "wedge"])
      await rails.store.atomically((trx) =>
        recordDrill(trx, {
          id: name,
          name,
          passed: 1,
          version,
          config_hash: configHash(config),
          host: "h",
          started_at: 1,
          finished_at: 2,
          figures: "{}",
          error: null,
          file: "f",
        }),
      );
  });
}
