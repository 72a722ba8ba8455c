// @module-tag processes
import { spawn } from "node:child_process";
import { expect, onTestFinished, test } from "vitest";
import {
  environmentOf,
  fileSizeLimitOf,
  listProcesses,
  parsePs,
  parseStat,
  readPs,
} from "../../src/lib/processes.ts";

/** A line of /proc/<pid>/stat: the first 22 fields. */
const stat = (name: string, state: string, threads = 1) =>
  `4242 (${name}) ${state} 17 4240 4239 34816 4242 4194304 9 8 7 6 5 4 3 2 20 0 ${threads} 0 987654`;

test.each(["sleep", "a b", "x) S 1 1 1 (", "("])("reads the line of a process named %j", (name) => {
  expect(parseStat(stat(name, "S"))).toEqual({
    pid: 4242,
    parent: 17,
    group: 4240,
    session: 4239,
    started: "987654",
    isStopped: false,
  });
});

test.each([
  ["T", true],
  ["t", true],
  ["D", false],
  ["R", false],
])("state %s: stopped is %s", (state, isStopped) => {
  expect(parseStat(stat("x", state))?.isStopped).toBe(isStopped);
});

test("a process that has ended is none, unless threads of it go on", () => {
  expect(parseStat(stat("x", "Z"))).toBeNull();
  expect(parseStat(stat("x", "X"))).toBeNull();
  expect(parseStat(stat("x", "Z", 2))?.pid).toBe(4242);
  expect(parseStat("")).toBeNull();
});

test("reads the lines of ps, and takes the group for the session", () => {
  const output = [
    "    1     0     1 Ss   Sat Nov 21 03:00:00 2026",
    " 4242    17  4240 T    Sat Nov 21 04:00:00 2026",
    " 4243  4242  4240 Z+   Sat Nov 21 04:00:01 2026",
    "ps: a complaint",
    "",
  ].join("\n");
  expect(parsePs(output)).toEqual([
    { pid: 1, parent: 0, group: 1, session: 1, started: "Sat Nov 21 03:00:00 2026", isStopped: false },
    {
      pid: 4242,
      parent: 17,
      group: 4240,
      session: 4240,
      started: "Sat Nov 21 04:00:00 2026",
      isStopped: true,
    },
  ]);
});

test("the ps of this machine is understood", () => {
  const own = parsePs(readPs()).find(({ pid }) => pid === process.pid);
  expect(own).toMatchObject({ parent: process.ppid, isStopped: false });
});

test("lists a child with its environment, but not what is skipped or dead", async () => {
  const child = spawn("sh", ["-c", "ulimit -f 100; echo; exec sleep 60"], { env: { A: "x y" } });
  onTestFinished(() => void child.kill("SIGKILL"));
  await new Promise((resolve) => child.stdout.once("data", resolve));
  const pid = child.pid!;
  expect(environmentOf(pid)).toContain("A=x y");
  expect(fileSizeLimitOf(pid)).toBe(51_200);
  const listed = (skip: number[]) =>
    listProcesses(new Set(skip), (each) => each === pid).processes.find((each) => each.pid === pid);
  expect(listed([])).toMatchObject({ parent: process.pid, hasTags: true });
  expect(listed([pid])).toBeUndefined();

  child.kill("SIGKILL");
  await new Promise((resolve) => child.once("close", resolve));
  expect(listed([])).toBeUndefined();
  expect(environmentOf(pid)).toEqual([""]);
  expect(fileSizeLimitOf(pid)).toBeNull();
});
