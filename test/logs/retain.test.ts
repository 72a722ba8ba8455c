import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { DAY_MS } from "../../src/lib/durations.ts";
import { retainLogs } from "../../src/logs/retain.ts";
import { tempDir } from "../support/temp.ts";

const nowMs = Date.parse("2026-11-21T10:00:00Z");
const daysAgo = (days: number) => nowMs - days * DAY_MS;

function folder(files: Record<string, number>): string {
  const dir = tempDir();
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(dir, name), "x".repeat(bytes));
  return dir;
}

test("files older than the age go, oldest first, and the others stay", () => {
  const dir = folder({
    "afk-2026-11-06.jsonl": 1,
    "afk-2026-11-06.2.jsonl": 1,
    "afk-2026-11-07.jsonl": 1,
    "afk-2026-11-21.jsonl": 1,
  });
  const { deleted } = retainLogs({ dir, nowMs, keptFromMs: daysAgo(14), maxBytes: 1_000 });
  expect(deleted).toEqual(["afk-2026-11-06.jsonl", "afk-2026-11-06.2.jsonl"]);
  expect(readdirSync(dir).sort()).toEqual(["afk-2026-11-07.jsonl", "afk-2026-11-21.jsonl"]);
});

test("the oldest go until the rest fits, the tenth part after the ninth", () => {
  const dir = folder({
    "afk-2026-11-20.9.jsonl": 400,
    "afk-2026-11-20.10.jsonl": 400,
    "afk-2026-11-21.jsonl": 400,
    "afk-2026-11-21.2.jsonl": 400,
  });
  expect(retainLogs({ dir, nowMs, keptFromMs: daysAgo(14), maxBytes: 1_200 }).deleted).toEqual([
    "afk-2026-11-20.9.jsonl",
  ]);
  expect(retainLogs({ dir, nowMs, keptFromMs: daysAgo(14), maxBytes: 1_200 }).deleted).toEqual([]);
});

test("the part that is being written stays, whatever its size", () => {
  const dir = folder({ "afk-2026-11-21.jsonl": 400, "afk-2026-11-21.2.jsonl": 5_000 });
  expect(retainLogs({ dir, nowMs, keptFromMs: daysAgo(0), maxBytes: 1 }).deleted).toEqual([
    "afk-2026-11-21.jsonl",
  ]);
  expect(readdirSync(dir)).toEqual(["afk-2026-11-21.2.jsonl"]);
});

test("today's file stays when the clock was set back and later days exist", () => {
  const dir = folder({ "afk-2026-11-21.jsonl": 400, "afk-2026-12-24.jsonl": 400 });
  expect(retainLogs({ dir, nowMs, keptFromMs: daysAgo(14), maxBytes: 400 }).deleted).toEqual([
    "afk-2026-12-24.jsonl",
  ]);
});

test("a wall clock that is set ahead makes nothing old, and its own file stays", () => {
  const dir = folder({
    "afk-2026-11-20.jsonl": 400,
    "afk-2026-11-21.jsonl": 400,
    "afk-2026-12-11.jsonl": 400,
  });
  const ahead = { dir, nowMs: nowMs + 20 * DAY_MS, keptFromMs: daysAgo(14) };
  expect(retainLogs({ ...ahead, maxBytes: 1_200 }).deleted).toEqual([]);
  retainLogs({ ...ahead, maxBytes: 1 });
  expect(readdirSync(dir)).toEqual(["afk-2026-12-11.jsonl"]);
});

test("nothing but the log's own files is touched", () => {
  const others = [
    "notes.txt",
    "afk-2020-01-01.txt",
    "afk-2020-01-01.jsonl.bak",
    "afk-2020-01-01.02.jsonl",
    "my-afk-2020-01-01.jsonl",
  ];
  const dir = folder(Object.fromEntries(others.map((name) => [name, 100])));
  mkdirSync(join(dir, "afk-2020-01-02.jsonl"));
  writeFileSync(join(dir, "afk-2020-01-03.jsonl"), "x");
  writeFileSync(join(dir, "afk-2026-11-21.jsonl"), "x");
  expect(retainLogs({ dir, nowMs, keptFromMs: daysAgo(1), maxBytes: 1 }).deleted).toEqual([
    "afk-2020-01-03.jsonl",
  ]);
  expect(readdirSync(dir)).toHaveLength(others.length + 2);
});

test("a folder that is not there is nothing to do", () => {
  expect(retainLogs({ dir: join(tempDir(), "none"), nowMs, keptFromMs: daysAgo(1), maxBytes: 1 })).toEqual({
    deleted: [],
  });
});
