// @module-tag processes
import { describe, expect, it } from "vitest";
import { openAgent } from "../../../src/agent.ts";
import { type Deployment, deployment } from "../../support/afk.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import { afk, afkJson } from "./in-process.ts";

const job = (name: string, command: string[]) => ({ name, kind: "exec", command, retry: { attempts: 1 } });
const JOBS = [job("backup", ["false"]), job("backup-week", ["false"]), job("notes", ["./not-there"])];

/** Runs the jobs so often, each time asked for by hand under a key of its own, or by its schedule. */
async function died(
  runs: { name: string; key?: string }[],
  jobs: (typeof JOBS)[number][] = JOBS,
): Promise<Deployment> {
  const target = deployment();
  configure(target, jobs);
  const clock = fakeClock(Date.now() - 3_600_000);
  const agent = await openAgent({ config: target.configFile, state: target.state, environment: {}, clock });
  for (const { name, key } of runs) {
    await agent.enqueue(name, key === undefined ? {} : { key });
    await agent.tick();
    clock.advance(60_000);
  }
  await agent.close();
  return target;
}

function configure(target: Deployment, jobs: object[]): void {
  const rest = { budget: { daily_cap_usd: 1 }, models: { chain: ["extractive"] } };
  target.configure({ agent: "test-agent", ...rest, jobs });
}

const letters = async (target: Deployment) =>
  ((await afkJson(target, "dead")).json as { key: string; runs: number }[]).map(({ key, runs }) => [
    key,
    runs,
  ]);
const states = (target: Deployment) =>
  Object.fromEntries(
    target.query<{ key: string; state: string }>("select * from jobs").map(({ key, state }) => [key, state]),
  );

const RUNS = [
  { name: "backup", key: "b-1" },
  { name: "backup", key: "b-2" },
  { name: "backup-week", key: "b-week" },
  { name: "notes", key: "n-1" },
];

describe("dead list", () => {
  it("has one line for each job and cause, with how many of its runs died of it", async () => {
    const target = await died(RUNS);
    expect(await letters(target)).toEqual([
      ["n-1", 1],
      ["b-week", 1],
      ["b-2", 2],
    ]);
    expect((await afk(target, "dead")).stdout).toMatch(
      /^\w{8} +backup +\d+ \w{3} \d\d:\d\d +2 +1\n +job backup: false exited with 1$/m,
    );
    const shown = (await afkJson(target, "dead", "show", "backup")).json;
    expect(shown).toMatchObject({ key: "b-2", runs: 2, keys: ["b-2", "b-1"], cause: "exec_failed" });
    expect((await afkJson(target, "status")).json).toMatchObject({ queue: { dead: 3 } });
    expect((await afkJson(target, "incidents")).json).toHaveLength(3);
  });
});

describe.each(["retry", "drop"])("dead %s", (verb) => {
  const gone = verb === "retry" ? "ready" : "dead";

  it.each([
    ["a job's name", "backup"],
    ["the key of its newest run", "b-2"],
    ["the key of an older run", "b-1"],
  ])("takes %s for all of its runs", async (_what, word) => {
    const target = await died(RUNS);
    expect((await afk(target, "dead", verb, word)).code).toBe(0);
    expect(await letters(target)).toEqual([
      ["n-1", 1],
      ["b-week", 1],
    ]);
    expect(states(target)).toEqual({ "b-1": gone, "b-2": gone, "b-week": "dead", "n-1": "dead" });
  });

  it("takes the beginning of a key that no other letter has", async () => {
    const target = await died(RUNS);
    expect((await afk(target, "dead", verb, "n")).code).toBe(0);
    expect((await letters(target)).map(([key]) => key)).toEqual(["b-week", "b-2"]);
  });

  it("names the candidates where several may be meant, and changes nothing", async () => {
    const target = await died(RUNS);
    const before = states(target);
    const { code, json } = await afkJson(target, "dead", verb, "b-");
    expect(code).toBe(1);
    expect(json).toMatchObject({
      error: { code: "ambiguous", message: expect.stringMatching(/b-week, b-2/) },
    });
    expect(states(target)).toEqual(before);
    expect(await letters(target)).toHaveLength(3);
  });

  it("takes all of them with --all, and none without a word", async () => {
    const target = await died(RUNS);
    for (const words of [[], [""], [" "], ["backup", "--all"]])
      expect((await afk(target, "dead", verb, ...words)).code).toBe(2);
    expect((await afk(target, "dead", verb, "--all")).code).toBe(0);
    expect(await letters(target)).toEqual([]);
    expect(new Set(Object.values(states(target)))).toEqual(new Set([gone]));
    expect(await afk(target, "dead", verb, "--all")).toMatchObject({ code: 0, stdout: "no dead letters\n" });
  });

  it("says with --dry-run what it would do, and does nothing", async () => {
    const target = await died(RUNS);
    const before = states(target);
    const { stdout } = await afk(target, "dead", verb, "backup", "--dry-run");
    expect(stdout).toBe(`would ${verb} b-2 and 1 more of its runs: job backup: false exited with 1\n`);
    expect((await afkJson(target, "dead", verb, "--all", "--dry-run")).json).toMatchObject({
      letters: ["n-1", "b-week", "b-2"],
    });
    expect(states(target)).toEqual(before);
    expect(await letters(target)).toHaveLength(3);
  });
});

describe("a dead letter of a job that afk.yaml does not name any more", () => {
  it("is not tried again: it says what is missing, and stays until it is put back", async () => {
    const target = await died(RUNS);
    configure(target, JOBS.slice(1));

    const { code, json } = await afkJson(target, "dead", "retry", "backup");
    expect(code).toBe(1);
    expect(json).toMatchObject({
      error: { code: "unknown_job", message: expect.stringMatching(/no job named backup of kind exec/) },
    });
    expect((await afk(target, "dead", "show", "backup")).stdout).toContain("b-2, b-1");

    // With the others, which are tried all the same.
    expect(await afkJson(target, "dead", "retry", "--all")).toMatchObject({
      code: 1,
      json: { ready: ["n-1", "b-week"], lacking: [{ key: "b-2" }] },
    });
    expect(await letters(target)).toEqual([["b-2", 2]]);

    configure(target, JOBS);
    expect((await afkJson(target, "dead", "retry", "backup")).json).toMatchObject({ ready: ["b-1", "b-2"] });
  });

  it("can be dropped", async () => {
    const target = await died(RUNS);
    configure(target, []);
    expect((await afk(target, "dead", "drop", "--all")).code).toBe(0);
    expect(await letters(target)).toEqual([]);
  });
});

it("tries the newest run of a schedule again, and says that it makes up for those before it", async () => {
  const target = deployment();
  configure(target, [{ ...job("hourly", ["false"]), every: "1h" }]);
  const clock = fakeClock(Date.now() - 10 * 3_600_000);
  const agent = await openAgent({ config: target.configFile, state: target.state, environment: {}, clock });
  for (let hour = 0; hour < 7; hour++) {
    await agent.tick();
    clock.advance(3_600_000);
  }
  await agent.close();
  const [[key, runs] = []] = await letters(target);
  expect(runs).toBe(7);

  expect((await afk(target, "dead", "retry", String(key))).stdout).toBe(
    `${key} is ready again; the next tick runs it\n6 earlier times of a schedule: made up for by the newest run\n`,
  );
  expect(Object.values(states(target)).filter((state) => state === "ready")).toHaveLength(1);
  expect(target.query("select * from dead_letters")).toEqual([]);
});
