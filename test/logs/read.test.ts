import { unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readLogs } from "../../src/logs/read.ts";
import { createLog } from "../../src/logs/writer.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { tempDir } from "../support/temp.ts";

function filled(): { dir: string; startMs: number } {
  const dir = tempDir();
  const clock = fakeClock();
  const startMs = clock.nowMs();
  const log = createLog({ dir, clock, redact: (text) => text, maxBytes: 1_200 });
  for (let n = 0; n < 30; n++) {
    log
      .child({ tick: `t${n % 3}` })
      .event("info", n % 2 === 0 ? "even" : "odd", { n, job: n < 5 ? "digest" : "exec" });
    clock.advance(3_600_000);
  }
  log.close();
  return { dir, startMs };
}

const numbers = (lines: Iterable<Record<string, unknown>>) => [...lines].map((line) => line.n);

test("lines come oldest first across parts and days", () => {
  expect(numbers(readLogs(filled()))).toEqual(Array.from({ length: 30 }, (_, n) => n));
});

test("the filters hold together", () => {
  const { dir, startMs } = filled();
  expect(numbers(readLogs({ dir, tick: "t0", event: "even" }))).toEqual([0, 6, 12, 18, 24]);
  expect(numbers(readLogs({ dir, job: "digest" }))).toEqual([0, 1, 2, 3, 4]);
  expect(numbers(readLogs({ dir, sinceMs: startMs + 28 * 3_600_000 }))).toEqual([28, 29]);
  expect(numbers(readLogs({ dir, tick: "none" }))).toEqual([]);
});

test("a limit gives the last lines, oldest first", () => {
  const { dir } = filled();
  expect(numbers(readLogs({ dir, limit: 4 }))).toEqual([26, 27, 28, 29]);
  expect(numbers(readLogs({ dir, limit: 4, event: "even" }))).toEqual([22, 24, 26, 28]);
  expect(numbers(readLogs({ dir, limit: 100 }))).toHaveLength(30);
  expect(numbers(readLogs({ dir, limit: 0 }))).toEqual([]);
});

test("torn and foreign lines are skipped and counted, each time anew", () => {
  const dir = tempDir();
  const line = (n: number) =>
    JSON.stringify({ ts: "2026-11-21T10:00:00.000Z", level: "info", event: "e", n });
  const text = [
    line(1),
    "",
    "not json",
    "null",
    "[1]",
    '{"n":1}',
    '{"ts":"never","level":"info","event":"e"}',
    line(2),
    line(3).slice(0, -5),
  ];
  writeFileSync(join(dir, "afk-2026-11-21.jsonl"), text.join("\n"));
  const reader = readLogs({ dir });
  expect(numbers(reader)).toEqual([1, 2]);
  expect(reader.torn).toBe(6);
  expect(numbers(reader)).toEqual([1, 2]);
  expect(reader.torn).toBe(6);
});

test("lines longer than what is read at once arrive whole, and endless ones are skipped", () => {
  const dir = tempDir();
  const line = (n: number, text = "") =>
    JSON.stringify({ ts: "2026-11-21T10:00:00.000Z", level: "info", event: "e", n, text });
  const long = "ü".repeat(100_000);
  writeFileSync(
    join(dir, "afk-2026-11-21.jsonl"),
    `${line(1, long)}\n${"x".repeat(3_000_000)}\n${line(2)}\n${"y".repeat(3_000_000)}`,
  );
  const reader = readLogs({ dir });
  expect([...reader].map((each) => [each.n, String(each.text).length])).toEqual([
    [1, 100_000],
    [2, 0],
  ]);
  expect(reader.torn).toBe(2);
});

test("a file that retention deletes meanwhile is passed over", () => {
  const { dir } = filled();
  const seen: unknown[] = [];
  for (const line of readLogs({ dir })) {
    if (seen.length === 0) unlinkSync(join(dir, "afk-2026-11-22.jsonl"));
    seen.push(line.n);
  }
  expect(seen.length).toBeGreaterThan(14);
  expect(seen.length).toBeLessThan(30);
});

test("a folder that is not there is an empty log", () => {
  expect([...readLogs({ dir: join(tempDir(), "none") })]).toEqual([]);
});
