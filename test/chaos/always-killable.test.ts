import { spawn } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, describe, expect, it } from "vitest";
import type { Behaviour } from "../../src/faults/model-answers.ts";
import { cases, chaosSeed, report } from "../support/chaos.ts";
import { seededRandomness } from "../support/seeded.ts";
import { isAlive, type Patient, patient, type Started } from "./support/misbehaving.ts";

/** A silent main thread is killed after 10 s of its guard's steps; a machine that is busy with other tests gets more. */
const GONE_WITHIN_MS = 20_000;
/** One that idles is looked at every 5 s, and killed 10 s after that. */
const IDLE_GONE_WITHIN_MS = 25_000;
/** What had passed its gates when the switch was set may still be on its way. */
const GRACE_MS = 2_000;
/** Misbehaviours that stop the event loop, so that only the guard can end the process. */
const WEDGES = ["loop", "transaction", "children"] as const;
/** Misbehaviours that the process itself can cope with. */
const OTHERS = ["ignore", "stream"] as const;
const KILLS = ["SIGTERM", "STOP", "afk stop"] as const;

type Kill = (typeof KILLS)[number];

const seed = chaosSeed("always killable");
const CASES = plan(cases({ test: 15, chaos: 200 }));

describe.concurrent("a process is gone within the bound, and asks no model after the kill", () => {
  const tookMs: number[] = [];
  afterAll(() => report("always killable", tookMs.length, `gone after ${summary(tookMs)}`));

  for (const { how, kill, delayMs } of CASES) {
    it(`${how}, killed by ${kill} after ${delayMs} ms`, { timeout: 90_000 }, async ({ onTestFinished }) => {
      const subject = await patient(how, onTestFinished, behavioursOf(how));
      const running = subject.start("run");
      await running.said('"event":"misbehaving"');
      await sleep(delayMs);

      const killedAt = Date.now();
      const by = await set(kill, subject, running);
      const acknowledgedAt = Date.now();
      const end = await running.ended;
      tookMs.push(end.at - killedAt);
      process.stdout.write(`${how}, ${kill}: gone after ${end.at - killedAt} ms\n`);

      expect(end.at - killedAt).toBeLessThan(GONE_WITHIN_MS);
      const isWedge = WEDGES.some((wedge) => wedge === how);
      expect(end).toMatchObject(isWedge ? { code: null, signal: "SIGKILL" } : { code: 0, signal: null });
      expect(subject.events().filter((event) => event === "wedged")).toHaveLength(isWedge ? 1 : 0);
      if (how === "children") await expectGone(subject.children());
      const before = subject.traffic();
      expect(before.length).toBeGreaterThan(1);
      expect(before.at(-1)?.at).toBeLessThanOrEqual(acknowledgedAt + GRACE_MS);

      await expectAllGone(subject, by, isWedge);
      if (by !== "signal") expect(subject.traffic()).toEqual(before);
    });
  }
});

describe.concurrent("a process that idles is gone within the bound, when what a job left behind stops its event loop", () => {
  for (const kill of KILLS) {
    it(`killed by ${kill}`, { timeout: 90_000 }, async ({ onTestFinished }) => {
      const subject = await patient("later", onTestFinished);
      const running = subject.start("run");
      await running.said('"event":"misbehaving"');
      expect(subject.events()).toContain("tick_finished");
      const killedAt = Date.now();
      await set(kill, subject, running);
      const { at, ...end } = await running.ended;
      process.stdout.write(`idle, ${kill}: gone after ${at - killedAt} ms\n`);
      expect(at - killedAt).toBeLessThan(IDLE_GONE_WITHIN_MS);
      expect(end).toMatchObject({ code: null, signal: "SIGKILL" });
      expect(subject.events().filter((event) => event === "wedged")).toHaveLength(1);
    });
  }
});

/** Limits short enough for a test; each of these goes on for longer than the silence that would be its end. */
const LIMITS = { stepMs: 100, livenessMs: 100, killStepsMax: 10, alertStepsMax: 100, silentStepsMax: 25 };

describe.concurrent("a process is not killed", () => {
  it("when it is busy for long, but not at a stretch", { timeout: 60_000 }, async ({ onTestFinished }) => {
    const subject = await patient("long", onTestFinished);
    await expectUnharmed(subject, subject.start("run", LIMITS));
  });

  it("when it was suspended and goes on", { timeout: 60_000 }, async ({ onTestFinished }) => {
    const subject = await patient("long", onTestFinished);
    const running = subject.start("run", LIMITS);
    await running.said('"event":"misbehaving"');
    running.kill("SIGSTOP");
    await sleep(3_000);
    running.kill("SIGCONT");
    await expectUnharmed(subject, running);
  });
});

describe("a process is not killed even", () => {
  it("when its neighbours take the processor", { timeout: 60_000 }, async ({ onTestFinished }) => {
    for (let count = 0; count < 6; count++) {
      const neighbour = spawn("sh", ["-c", "while :; do :; done"], { stdio: "ignore" });
      onTestFinished(() => void neighbour.kill("SIGKILL"));
    }
    const subject = await patient("long", onTestFinished);
    await expectUnharmed(subject, subject.start("run", LIMITS));
  });
});

/** Every misbehaviour under every kill, as often as it takes, each at a moment of its own. */
function plan(count: number) {
  const { random } = seededRandomness(seed);
  const all = [...WEDGES, ...OTHERS].flatMap((how) => KILLS.map((kill) => ({ how, kill })));
  return Array.from({ length: count }, (_, n) => {
    const { how, kill } = all[n % all.length]!;
    return { how, kill, delayMs: Math.floor(random() * 1_500) };
  });
}

function behavioursOf(how: string): { script: Behaviour[]; otherwise: Behaviour } {
  const otherwise: Behaviour = how === "stream" ? { type: "stall", pieces: 2 } : { type: "reply" };
  return { script: [{ type: "reply" }], otherwise };
}

/** Kills, waits until that is acknowledged, and says what a later tick must find set. */
async function set(kill: Kill, subject: Patient, running: Started): Promise<"signal" | "file" | "row"> {
  switch (kill) {
    case "SIGTERM":
      running.kill("SIGTERM");
      return "signal";
    case "STOP":
      writeFileSync(join(subject.state, "STOP"), "");
      return "file";
    case "afk stop": {
      const { code, stdout } = await subject.start("stop").ended;
      expect(code).toBe(0);
      // The row, or the file where the database was held by the transaction that hung.
      return JSON.parse(stdout.trim().split("\n").at(-1)!).by;
    }
  }
}

/** A kill is a kill of the process alone if it was a signal; otherwise the next ticks refuse. A wedge is told of once. */
async function expectAllGone(subject: Patient, by: string, isWedge: boolean): Promise<void> {
  const { code, signal, stdout } = await subject.start("ticks").ended;
  expect({ code, signal }, stdout).toEqual({ code: 0, signal: null });
  const results: { outcome: string; reason: string | null }[] = JSON.parse(stdout.trim().split("\n").at(-1)!);
  if (by === "signal") expect(results[0]?.outcome).toBe("ok");
  else {
    expect(results.map(({ outcome }) => outcome)).toEqual(["halted", "halted"]);
    expect(results[0]?.reason).toContain(`stopped by the kill switch (${by})`);
  }
  const alerts = subject.query<{ payload: string }>("select payload from alerts where event = 'wedged'");
  expect(alerts).toHaveLength(isWedge ? 1 : 0);
  if (isWedge)
    expect(alerts[0]?.payload).toMatch(
      /event loop stood still|after the kill switch was set|after it was told to end/,
    );
  expect(existsSync(join(subject.state, "wedged.json"))).toBe(false);
  expect(subject.query("select * from seen where key = 'half done'")).toEqual([]);
}

async function expectUnharmed(subject: Patient, running: Started): Promise<void> {
  await running.said('"event":"job_done"');
  running.kill("SIGTERM");
  expect(await running.ended).toMatchObject({ code: 0, signal: null });
  expect(subject.events()).not.toContain("wedged");
  expect(subject.events()).not.toContain("guard_lost");
}

/** The kernel ends a group one by one, and a command with its namespace or by its supervisor, when the worker is gone. */
async function expectGone(pids: number[]): Promise<void> {
  // Two of each kind, and what contains the command.
  expect(pids.length).toBeGreaterThanOrEqual(5);
  for (let look = 0; look < 200 && pids.some(isAlive); look++) await sleep(50);
  expect(pids.filter(isAlive)).toEqual([]);
}

function summary(values: number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  return `${sorted[0]} to ${sorted.at(-1)} ms, median ${sorted[Math.floor(sorted.length / 2)]} ms`;
}
