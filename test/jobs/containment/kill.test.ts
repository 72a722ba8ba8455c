// @module-tag processes
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { findProcess } from "../../../src/lib/processes.ts";
import { missingTool } from "../../support/system-tools.ts";
import { type Harness, harness, until } from "./harness.ts";

const STAY = "while :; do sleep 0.1; done";
const sh = (script: string) => ["sh", "-c", script];
const node = process.execPath;

/** The command's own line that says that it is there, for what does not use linger.sh. */
const SAY = "echo >> here";

/** Commands that leave nothing out to stay alive, and how many processes say that they are there. */
const STUBBORN: [name: string, command: string[], count: number][] = [
  ["a command", sh(`${SAY}; ${STAY}`), 1],
  ["one that ignores SIGTERM", ["sh", "linger.sh"], 1],
  ["one with a child and a grandchild", sh(`(sh linger.sh & sh linger.sh) & ${SAY}; ${STAY}`), 3],
  ["one that stopped itself", sh(`${SAY}; kill -STOP $$`), 1],
  ["one with a daemon in another session", sh(`${node} daemon.mjs AFK_EXEC; ${SAY}; ${STAY}`), 2],
  ["one with a daemon that cleared its environment", sh(`${node} daemon.mjs; ${SAY}; ${STAY}`), 2],
];

async function abortWhen(at: Harness, command: string[], count: number): Promise<unknown> {
  const stop = new AbortController();
  const running = at.run(command, { signal: stop.signal });
  await at.lingering(count);
  expect(at.alive().length).toBeGreaterThanOrEqual(count);
  stop.abort(new Error("the switch was set"));
  return await running.catch((error: unknown) => error);
}

const KINDS = ["namespace", "marks"] as const;
/** The kernel makes no difference between them, so that a few will do for it. */
const each = KINDS.flatMap((kind) =>
  STUBBORN.filter((_command, n) => kind === "marks" || n % 2 === 1).map(
    ([name, ...rest]) => [kind, name, ...rest] as const,
  ),
);

describe("an abort ends, before it is told of,", () => {
  test.each(each)("%s: %s", async (kind, _name, command, count) => {
    const at = harness(kind);
    expect(await abortWhen(at, command, count)).toEqual(new Error("the switch was set"));
    expect(at.alive()).toEqual([]);
    expect(at.last().memory.steps.size).toBe(0);
  });
});

test("an abort lets a command that listens to SIGTERM tidy up", async () => {
  const at = harness();
  await abortWhen(at, sh(`trap 'echo tidy > state; exit 0' TERM; ${SAY}; ${STAY}`), 1);
  expect(at.read("state")).toBe("tidy\n");
});

test("an abort that came before starts nothing", async () => {
  const at = harness();
  const reason = new Error("stopped");
  await expect(at.run(sh("echo x > ran"), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  expect(at.read("ran")).toBe("");
});

describe.each(KINDS)("under %s, what a command that ended leaves behind is killed:", (kind) => {
  test.each([
    ["a child", sh(`sh linger.sh >/dev/null 2>&1 & until [ -s here ]; do sleep 0.01; done; ${SAY}`)],
    [
      "a child that holds its output open",
      sh(`sh linger.sh & until [ -s here ]; do sleep 0.01; done; ${SAY}`),
    ],
    ["a daemon", sh(`${node} daemon.mjs AFK_EXEC; until [ -s here ]; do sleep 0.01; done; ${SAY}`)],
    [
      "a daemon without environment",
      sh(`${node} daemon.mjs; until [ -s here ]; do sleep 0.01; done; ${SAY}`),
    ],
  ])("%s", async (_name, command) => {
    const at = harness(kind);
    await expect(at.run(command)).resolves.toMatchObject({ units: 1 });
    expect(at.alive()).toEqual([]);
    expect(at.ended().leftBehind).toBeGreaterThanOrEqual(1);
  });

  test.skipIf(missingTool("setsid") !== null)(
    "a chain of daemons, each of which lives for milliseconds and starts the next",
    async () => {
      const at = harness(kind);
      const script = `trap '' TERM\necho >> links\nsetsid -f sh chain.sh\n`;
      writeFileSync(join(at.dir, "chain.sh"), script);
      await at.run(sh("sh chain.sh; until [ $(wc -l < links) -gt 20 ]; do sleep 0.01; done"));
      const links = at.read("links").length;
      // A chain that goes on is longer by a look at all processes later, which takes a few lives of its links.
      for (let round = 0; round < 20; round++) expect(at.alive()).toEqual([]);
      expect(at.read("links").length).toBe(links);
    },
  );
});

test.each(KINDS)("under %s, an abort ends a command that forks as fast as it can", async (kind) => {
  const at = harness(kind);
  // At most 40 at a time, so that the machine is left alive when the test fails.
  const script = `trap '' TERM\nwhile :; do for n in 1 2 3 4 5 6 7 8; do (sleep 0.02; sleep 0.02) & done; wait; done\n`;
  writeFileSync(join(at.dir, "forks.sh"), script);
  await abortWhen(at, sh(`for n in 1 2 3 4 5; do sh forks.sh & done; ${SAY}; ${STAY}`), 1);
  expect(at.alive()).toEqual([]);
});

describe("when the supervisor is killed, the worker ends", () => {
  test.each(each)("%s: %s", async (kind, _name, command, count) => {
    const at = harness(kind);
    const running = at.run(command);
    await at.lingering(count);
    process.kill(supervisorOf(at), "SIGKILL");
    await expect(running).rejects.toMatchObject({ code: "exec_lost", retry: "later" });
    expect(at.alive()).toEqual([]);
    expect(at.last().memory.steps.size).toBe(0);
  });
});

describe("a supervisor that was stopped costs no more than the grace:", () => {
  test.each(KINDS)("under %s", async (kind) => {
    const at = harness(kind);
    const stop = new AbortController();
    const running = at.run(sh(`kill -STOP $PPID; ${SAY}; ${STAY}`), { signal: stop.signal });
    await at.lingering(1);
    stop.abort(new Error("the switch was set"));
    await expect(running).rejects.toThrow("the switch was set");
    expect(at.alive()).toEqual([]);
  });
});

test.each(KINDS)("under %s, a supervisor that is told to end takes the command with it", async (kind) => {
  const at = harness(kind);
  const running = at.run(["sh", "linger.sh"]);
  await at.lingering(1);
  process.kill(supervisorOf(at), "SIGTERM");
  await expect(running).rejects.toMatchObject({
    // A namespace ends with its supervisor, before a command that does not obey has an end to tell of.
    code: kind === "namespace" ? "exec_lost" : "exec_failed",
  });
  expect(at.alive()).toEqual([]);
});

test("sweeping leaves other processes alone", async () => {
  const other = harness("marks");
  const stop = new AbortController();
  const running = other.run(["sh", "linger.sh"], { signal: stop.signal });
  await other.lingering(1);
  const at = harness("marks");
  await abortWhen(at, ["sh", "linger.sh"], 1);
  expect(other.alive().length).toBeGreaterThan(0);
  stop.abort(new Error("over"));
  await expect(running).rejects.toThrow("over");
  await until(() => other.alive().length === 0);
});

/** The parent of the command. */
function supervisorOf(at: Harness): number {
  const parents = at.alive().map((pid) => findProcess(pid)?.parent ?? 0);
  const found = new Set(parents.filter((pid) => commandLine(pid)[1]?.endsWith("supervisor.ts")));
  expect(found.size).toBe(1);
  return [...found][0]!;
}

/** Empty for a process that ended since it was listed. */
function commandLine(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  } catch {
    return [];
  }
}
