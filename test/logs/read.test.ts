import { closeSync, openSync, unlinkSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type LogEntry, lastTickId, readLogs } from "../../src/logs/read.ts";
import { createLog } from "../../src/logs/writer.ts";
import { collectGarbage } from "../support/collect-garbage.ts";
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

const numbers = (entries: Iterable<LogEntry>) => [...entries].map(({ line }) => line.n);

test("lines come oldest first across parts and days", () => {
  expect(numbers(readLogs(filled()))).toEqual(Array.from({ length: 30 }, (_, n) => n));
});

test("the filters hold together", () => {
  const { dir, startMs } = filled();
  expect(numbers(readLogs({ dir, tick: "t0", events: ["even"] }))).toEqual([0, 6, 12, 18, 24]);
  expect(numbers(readLogs({ dir, job: "digest" }))).toEqual([0, 1, 2, 3, 4]);
  expect(numbers(readLogs({ dir, sinceMs: startMs + 28 * 3_600_000 }))).toEqual([28, 29]);
  expect(numbers(readLogs({ dir, tick: "none" }))).toEqual([]);
});

test("a limit gives the last lines, oldest first", () => {
  const { dir } = filled();
  expect(numbers(readLogs({ dir, limit: 4 }))).toEqual([26, 27, 28, 29]);
  expect(numbers(readLogs({ dir, limit: 4, events: ["even"] }))).toEqual([22, 24, 26, 28]);
  expect(numbers(readLogs({ dir, limit: 100 }))).toHaveLength(30);
  expect(numbers(readLogs({ dir, limit: 0 }))).toEqual([]);
});

test("a level takes worse ones with it, several events are any of them, and an end is left out", () => {
  const dir = tempDir();
  const clock = fakeClock();
  const startMs = clock.nowMs();
  const log = createLog({ dir, clock, redact: (text) => text, maxBytes: 1_000_000 });
  for (const [n, level] of (["debug", "info", "warn", "error"] as const).entries()) {
    log.event(level, `e${n}`, { n });
    clock.advance(1_000);
  }
  log.close();
  expect(numbers(readLogs({ dir, level: "warn" }))).toEqual([2, 3]);
  expect(numbers(readLogs({ dir, level: "debug" }))).toEqual([0, 1, 2, 3]);
  expect(numbers(readLogs({ dir, events: ["e0", "e3"] }))).toEqual([0, 3]);
  expect(numbers(readLogs({ dir, sinceMs: startMs + 1_000, untilMs: startMs + 3_000 }))).toEqual([1, 2]);
});

test("an id that is part of another one finds only its own lines", () => {
  const dir = tempDir();
  const line = (n: number, tick: string, text = "") =>
    JSON.stringify({ ts: "2026-11-21T10:00:00.000Z", level: "info", event: "e", n, tick, text });
  const lines = [line(1, "t1"), line(2, "t10"), line(3, "t2", 'says "t1"')];
  writeFileSync(join(dir, "afk-2026-11-21.jsonl"), `${lines.join("\n")}\n`);
  expect(numbers(readLogs({ dir, tick: "t1" }))).toEqual([1]);
});

test("the text of a line is given as it stands in the file", () => {
  const dir = tempDir();
  const raw = '{"ts":"2026-11-21T10:00:00.000Z", "level":"info", "event":"e","9":1,"1":2}';
  writeFileSync(join(dir, "afk-2026-11-21.jsonl"), `${raw}\n`);
  expect([...readLogs({ dir })].map((entry) => entry.raw)).toEqual([raw]);
});

test("a limit is found from the end, and a large log takes no more memory than a small one", () => {
  const dir = tempDir();
  const line = (n: number) =>
    JSON.stringify({ ts: "2026-11-21T10:00:00.000Z", level: "info", event: "e", n, text: "x".repeat(900) });
  const file = openSync(join(dir, "afk-2026-11-21.jsonl"), "w");
  for (let start = 0; start < 60_000; start += 1_000)
    writeSync(file, Array.from({ length: 1_000 }, (_, i) => `${line(start + i)}\n`).join(""));
  closeSync(file);

  expect(numbers(readLogs({ dir, limit: 2 }))).toEqual([59_998, 59_999]);
  const [first] = readLogs({ dir, limit: 50_000 });
  expect(first?.line.n).toBe(10_000);
  const inUse = () => {
    collectGarbage();
    return process.memoryUsage().heapUsed;
  };
  const before = inUse();
  let most = 0;
  let count = 0;
  for (const {
    line: { n },
  } of readLogs({ dir, limit: 50_000 })) {
    count += n === undefined ? 0 : 1;
    if (count % 5_000 === 0) most = Math.max(most, inUse() - before);
  }
  expect(count).toBe(50_000);
  // The lines together are 45 MB of text, and more as objects.
  expect(most).toBeLessThan(15_000_000);
});

test("the tick that began last is known by its line", () => {
  const { dir } = filled();
  expect(lastTickId(dir)).toBeNull();
  const started = (tick: string, second: number) =>
    JSON.stringify({ ts: `2026-11-23T10:00:0${second}.000Z`, level: "info", event: "tick_started", tick });
  const lines = [started("a", 1), started("b", 2), '{"torn'];
  writeFileSync(join(dir, "afk-2026-11-23.jsonl"), lines.join("\n"));
  expect(lastTickId(dir)).toBe("b");
});

test("torn and foreign lines are skipped", () => {
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
  expect(numbers(readLogs({ dir }))).toEqual([1, 2]);
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
  expect([...readLogs({ dir })].map(({ line: { n, text } }) => [n, String(text).length])).toEqual([
    [1, 100_000],
    [2, 0],
  ]);
});

test("a file that retention deletes meanwhile is passed over", () => {
  const { dir } = filled();
  const seen: unknown[] = [];
  for (const { line } of readLogs({ dir })) {
    if (seen.length === 0) unlinkSync(join(dir, "afk-2026-11-22.jsonl"));
    seen.push(line.n);
  }
  expect(seen.length).toBeGreaterThan(14);
  expect(seen.length).toBeLessThan(30);
});

test("a folder that is not there is an empty log", () => {
  expect([...readLogs({ dir: join(tempDir(), "none") })]).toEqual([]);
});
