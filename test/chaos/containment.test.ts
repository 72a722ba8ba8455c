import { spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import Database from "better-sqlite3";
import { describe, expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../src/lib/clock.ts";
import { findProcess } from "../../src/lib/processes.ts";
import { cases, chaosSeed, isChaos, patience, report } from "../support/chaos.ts";
import { seededRandomness } from "../support/seeded.ts";
import {
  type Breakout,
  breakout,
  ESCAPES,
  killIfThere,
  LOCATIONS,
  manyChildren,
  type Place,
  supervisorOf,
  until,
} from "./support/escapes.ts";

const KILLS = ["its own end", "STOP", "SIGTERM", "SIGKILL", "SIGKILL with its supervisor"] as const;
type Kill = (typeof KILLS)[number];

const TIMEOUT = patience({ test: 240_000, chaos: 1_200_000 });
/** By marks alone it is not found when it has none and no parent either. */
const LOST_BY_MARKS = new Set(["lowered limits and a cleared environment"]);

const seed = chaosSeed("containment");
const { random } = seededRandomness(seed);

describe("nothing that a command started outlives it, whatever it does to get away", () => {
  for (const place of LOCATIONS) {
    it(`under ${place}`, { timeout: TIMEOUT }, async () => {
      const plan = planOf(place);
      const survived = await inBatches(plan, async ({ name, kill }) => ({
        name,
        kill,
        survivors: await tryOut(place, name, kill),
      }));
      const left = survived.filter(({ survivors }) => survivors > 0);
      report(`containment under ${place}`, plan.length, `${left.length} with survivors`);
      expect(left.filter(({ name }) => place !== "marks" || !LOST_BY_MARKS.has(name))).toEqual([]);
    });
  }
});

/** How many processes are left in the end. */
async function tryOut(place: Place, name: string, kill: Kill): Promise<number> {
  const at = breakout(place, scriptOf(place, name, kill), kill !== "its own end");
  const running = at.start(["tick"]);
  await at.isReady();
  const started = at.target.logs().find(({ event }) => event === "exec_started");
  expect(started?.containment).toBe(place.split(",")[0]);
  await end(kill, at, running.afk());
  await running.ended;
  // Where only marks are, one that was killed together with its supervisor is found by the next tick, stopped or not.
  if (place === "marks" && kill.startsWith("SIGKILL")) {
    writeFileSync(`${at.target.state}/STOP`, "");
    await at.start(["tick"]).ended;
  }
  return place === "marks" && LOST_BY_MARKS.has(name) ? at.alive().length : await at.settled();
}

/** All of them, or each escape once under a namespace and a few under the others, by chance. */
function planOf(place: Place): { name: string; kill: Kill }[] {
  const names = Object.keys(ESCAPES);
  const all = names
    .flatMap((name) => KILLS.map((kill) => ({ name, kill })))
    // A stopped supervisor sees no end, and a killed one has none of its own.
    .filter(({ name, kill }) => kill !== "its own end" || !/^SIGSTOP|supervisor/.test(name));
  if (isChaos()) return all;
  if (place === "namespace") return names.map((name, n) => ({ name, kill: KILLS[1 + (n % 4)] ?? "STOP" }));
  return Array.from({ length: 2 }, () => all[Math.floor(random() * all.length)] ?? all.slice(0, 1)[0]!);
}

const BATCH = 4;

async function inBatches<Case, Result>(
  all: readonly Case[],
  run: (each: Case) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (let at = 0; at < all.length; at += BATCH)
    results.push(...(await Promise.all(all.slice(at, at + BATCH).map(run))));
  return results;
}

async function end(kill: Kill, at: Breakout, worker: number): Promise<void> {
  if (kill === "STOP") writeFileSync(`${at.target.state}/STOP`, "");
  else if (kill === "SIGTERM") process.kill(worker, "SIGTERM");
  else if (kill !== "its own end") {
    const supervisor = kill === "SIGKILL" ? 0 : supervisorOf(worker);
    killIfThere(worker);
    killIfThere(supervisor);
  }
}

/** As many as were tried from outside, where that is the point; the machine has other things to do too. */
function scriptOf(place: Place, name: string, kill: Kill): string {
  const isLarge = isChaos() && name === "many children" && kill === "STOP" && place === "namespace";
  return isLarge ? manyChildren(2_000) : (ESCAPES[name] ?? "");
}

it("afk that is killed while it starts a command leaves nothing, and the next tick no record", {
  timeout: TIMEOUT,
}, async () => {
  const count = cases({ test: 4, chaos: 60 });
  const delays = Array.from({ length: count }, () => Math.floor(random() * 200));
  await inBatches(delays, async (delayMs) => {
    const at = breakout(delayMs % 2 === 0 ? "namespace" : "marks", "setsid -f env -i sleep $M", true);
    const running = at.start(["tick"]);
    await until(() => existsSync(at.target.state) && at.target.events().includes("job_started"));
    await sleep(delayMs);
    killIfThere(running.afk());
    await running.ended;
    expect(await at.settled()).toBe(0);
    writeFileSync(`${at.target.state}/STOP`, "");
    await at.start(["tick"]).ended;
    expect(at.target.query("select * from processes")).toEqual([]);
  });
  report("killed in the start", count);
});

it("a command is not started beside its first copy, which was left by a SIGKILL of all of afk", {
  timeout: TIMEOUT,
}, async () => {
  const at = breakout("marks", "trap '' TERM; setsid -f sleep $M", true);
  const running = at.start(["tick"]);
  await at.isReady();
  const first = at.alive();
  await end("SIGKILL with its supervisor", at, running.afk());
  await running.ended;
  expect(at.alive().length).toBe(first.length);

  at.start(["tick"]);
  await at.isReady(2);
  const second = at.alive();
  expect(second.length).toBe(first.length);
  expect(
    first.filter(({ pid, started }) => second.some((each) => each.pid === pid && each.started === started)),
  ).toEqual([]);
  expect(at.target.logs()).toContainEqual(
    expect.objectContaining({ event: "processes_ended", found: first.length, left: 0 }),
  );
});

it("a command is not started beside what cannot be killed, and an alert says so", {
  timeout: TIMEOUT,
}, async ({ skip }) => {
  skip(!isChaos(), "what cannot be killed is tried for as long as it says; npm run chaos has the time");
  skip(process.getuid?.() !== 0, "only root has a process that another user may not end");
  const at = breakout("namespace, not root", "true", false);
  await at.start(["tick"]).ended;
  await at.isReady(1);
  const stranger = spawn("sleep", ["600"], { stdio: "ignore" });
  onTestFinished(() => void stranger.kill("SIGKILL"));
  const pid = stranger.pid!;
  const database = new Database(join(at.target.state, "afk.db"));
  database
    .prepare(
      "insert into processes values ('left', 'work', 'gone', 'marks', ?, ?, ?, 'no cookie', 1, 0, null)",
    )
    .run(pid, findProcess(pid)!.started, systemClock.bootId());
  database.close();

  await at.start(["tick", "--now", "work"]).ended;
  expect(readFileSync(join(at.target.dir, "ready"), "utf8")).toHaveLength(1);
  expect(at.target.query("select state, attempts from jobs order by created_at desc limit 1")).toEqual([
    { state: "ready", attempts: 0 },
  ]);
  expect(at.target.query("select count(*) as n from alerts where event = 'process_left'")).toEqual([
    { n: 1 },
  ]);

  stranger.kill("SIGKILL");
  await new Promise((resolve) => stranger.once("exit", resolve));
  await at.start(["tick"]).ended;
  expect(at.target.query("select * from processes")).toEqual([]);
});
