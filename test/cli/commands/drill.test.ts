// @module-tag processes
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { chooseDrills } from "../../../src/drill/run-drills.ts";
import { familyOf, type Known, stillAlive } from "../../../src/faults/processes.ts";
import { deployment, digestConfig, PROCESSES } from "../../support/afk.ts";
import { afk } from "./in-process.ts";

const CONFIG = digestConfig("http://127.0.0.1:9", { job: { every: "1d", schedule: undefined } });
/** Those that end workers; the others are tested without the start of a process. */
const KILLS = ["stop-file", "stop-process", "wedge", "crash"];

it(
  "fires the kills for real while a worker holds the real state, and keeps the evidence",
  PROCESSES,
  async () => {
    const target = deployment(CONFIG);
    const worker = target.start(["run"]);
    await worker.logged("tick_finished");

    const { code, stdout, stderr } = await target.afk(["drill", ...KILLS, "--json"]);

    const { ok, drills } = JSON.parse(stdout);
    expect({ code, stderr, errors: drills.map(({ error }: { error: string | null }) => error) }).toEqual({
      code: 0,
      stderr: "",
      errors: KILLS.map(() => null),
    });
    expect(ok).toBe(true);
    const figures = Object.fromEntries(
      drills.map((each: { name: string; figures: object }) => [each.name, each.figures]),
    );
    expect(figures["stop-file"]).toMatchObject({ requestsBefore: 1, requestsAfter: 1 });
    expect(figures["stop-process"]).toMatchObject({
      processesBeforeTerm: expect.toSatisfy((count: number) => count >= 4),
      requestsAfterKill: 0,
    });
    expect(figures.crash).toMatchObject({ requestsBefore: 3, requestsAfter: 6, askedTwice: 1 });
    for (const [name, key] of [
      ["stop-file", "stopToGoneMs"],
      ["stop-process", "termToGoneMs"],
      ["stop-process", "killToGoneMs"],
      ["wedge", "stopToGoneMs"],
    ] as const) {
      expect(figures[name][key]).toBeGreaterThan(0);
      process.stdout.write(`${name}: ${key} ${figures[name][key]}\n`);
    }

    expect(target.query("select name, passed from drills order by id")).toEqual(
      KILLS.map((name) => ({ name, passed: 1 })),
    );
    const runs = readdirSync(join(target.state, "runs")).sort();
    expect(runs.filter((name) => name.startsWith("drill-"))).toHaveLength(KILLS.length);
    expect(runs.filter((name) => name.startsWith("kill-test-"))).toEqual([
      "kill-test-1.md",
      "kill-test-2.md",
      "kill-test-4.md",
    ]);
    expect(readFileSync(join(target.state, "runs", "kill-test-2.md"), "utf8")).toContain("SIGKILL");
    expect(target.events().filter((event) => event === "drill_done")).toHaveLength(KILLS.length);
    // The real agent was not touched: neither stopped, nor held up, nor told of.
    expect(target.query("select set_at from kill_switch")).toEqual([{ set_at: null }]);
    expect(target.query("select count(*) as n from alerts where event in ('kill_set', 'wedged')")).toEqual([
      { n: 0 },
    ]);
    expect(() => process.kill(worker.pid, 0)).not.toThrow();
  },
);

it("leaves no process, no folder and no row when it is interrupted", PROCESSES, async () => {
  const target = deployment(CONFIG);
  const running = target.start(["drill", "stop-process"]);
  const ours = `afk-drill-${running.pid}-`;
  // afk drill, the worker, its supervisor, the command, which ignores SIGTERM, and the command's child.
  let family: Known[] = [];
  const isAtWork = () => {
    family = familyOf(running.pid);
    return family.length >= 5;
  };
  await expect.poll(isAtWork, { timeout: 60_000 }).toBe(true);

  running.kill("SIGINT");
  const { code, stderr } = await running.ended;

  expect(code).toBe(1);
  expect(stderr).toContain("interrupted");
  expect(stillAlive(family)).toEqual([]);
  expect(readdirSync(tmpdir()).filter((name) => name.startsWith(ours))).toEqual([]);
  expect(target.query("select * from drills")).toEqual([]);
});

it(
  "prints one line a drill and the failures, ends with 1, and puts its scratch where there is room",
  PROCESSES,
  async () => {
    const target = deployment(CONFIG);

    const { code, stdout } = await target.afk(["drill", "alert", "hourly"], { TMPDIR: "/no-such-folder" });

    expect(code).toBe(1);
    expect(stdout).toMatch(/^passed {2}hourly +\d+\.\d s {2}requests before refusal 2, .*/m);
    expect(stdout).toMatch(/^FAILED {2}alert +\d+\.\d s {2}expected: there is a channel/m);
    expect(stdout).toMatch(/^1 passed, 1 FAILED in \d+\.\d s: alert$/m);
    expect(stdout).not.toContain("\u001b");
    expect(readdirSync(target.state).filter((name) => name.startsWith("drill-"))).toEqual([]);
  },
);

it("keeps what the host's command found, as evidence of its own", PROCESSES, async () => {
  const target = deployment(CONFIG);
  const startedMs = Date.now() - 5_000;
  const measured = {
    stopMs: 312,
    goneMs: 290,
    ...{ processesBefore: 6, containersBefore: 1, signsOfLifeBefore: 4 },
    ...{ processesAfter: 0, containersAfter: 0, signsOfLifeAfter: 0, watchedMs: 5_000, cameBack: "" },
  };
  const figures = JSON.stringify({ ...measured, startedMs });

  const passed = await target.afk([
    "drill",
    "record",
    "systemctl",
    "--passed",
    "--figures",
    figures,
    "--json",
  ]);
  expect(passed).toMatchObject({ code: 0, stderr: "" });
  const failed = ["drill", "record", "systemctl", "--failed", "--figures", '{"stopMs": 15000}'];
  expect((await target.afk([...failed, "--error", "the container was still there"])).code).toBe(0);

  const rows = target.query<{ figures: string }>("select * from drills order by id");
  expect(rows).toMatchObject([
    { name: "systemctl", passed: 1, error: null, started_at: startedMs },
    { name: "systemctl", passed: 0, error: "the container was still there" },
  ]);
  expect(JSON.parse(rows[0]!.figures)).toEqual(measured);
  const kept = readFileSync(join(target.state, "runs", "kill-test-3.md"), "utf8");
  expect(kept).toContain("# Drill systemctl: FAILED");
  expect(
    readdirSync(join(target.state, "runs")).filter((name) => name.startsWith("drill-systemctl")),
  ).toHaveLength(2);
});

it("lists what there is, and fires nothing", async () => {
  const target = deployment(CONFIG);
  const { code, stdout } = await afk(target, "drill", "--list");
  expect(code).toBe(0);
  for (const { name } of chooseDrills([], true)) expect(stdout).toMatch(new RegExp(`^${name} `, "m"));
  expect(existsSync(target.state)).toBe(false);
});

it.each([
  [["no-such-drill"], /There is no drill named no-such-drill\. There are: cap, /],
  [["cap", "braker"], /There is no drill named braker\. Did you mean breaker\?/],
  [["cap", "--passed"], /Unknown option --passed/],
  [["cap", "alert", "--no-send"], /alert is the drill that --no-send leaves out/],
  [["record", "systemctl", "--figures", "{}", "--passed", "--failed"], /--passed or --failed/],
  [["record", "systemctl", "--figures", '{"a":1}', "--passed", "--error", "x"], /--error is for/],
  [["record", "systemctl", "--figures", "{}", "--passed"], /without figures proves nothing/],
  [["record", "systemctl", "--figures", "{", "--passed"], /the figures are no JSON/],
  [["record", "systemctl", "--figures", "[1]", "--passed"], /the figures are not what they should be/],
  [
    ["record", "systemctl", "--figures", '{"stopMs":312}', "--passed"],
    /did not pass by these figures: a worker was at work/,
  ],
  [["record", "stop-file", "--figures", '{"a":1}', "--passed"], /no evidence from elsewhere stands for it/],
  [["systemctl"], /sudo afk drill systemctl/],
  [["record", "../x", "--figures", '{"a":1}', "--passed"], /is no name of a drill/],
  [["record", "systemctl", "--passed"], /--figures is missing/],
])("refuses %j with exit code 2, and writes nothing", async (words, message) => {
  const target = deployment(CONFIG);
  const { code, stderr } = await afk(target, "drill", ...words);
  expect(stderr).toMatch(message);
  expect(code).toBe(2);
  if (existsSync(target.state)) expect(target.query("select * from drills")).toEqual([]);
});
