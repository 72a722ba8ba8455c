import { appendFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../src/lib/clock.ts";
import { followLogs, type ReadOptions } from "../../src/logs/read.ts";
import { createLog } from "../../src/logs/writer.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { tempDir } from "../support/temp.ts";

/** Follows a folder; `next` waits for so many lines and gives their numbers. */
function following(options: ReadOptions) {
  const end = new AbortController();
  onTestFinished(() => end.abort());
  // It looks again at once: what is waited for is a line, never time.
  const clock = { ...systemClock, sleep: () => systemClock.sleep(1, end.signal) };
  const entries = followLogs({ ...options, clock, signal: end.signal });
  return {
    end: () => end.abort(),
    entries,
    async next(count: number): Promise<unknown[]> {
      const numbers: unknown[] = [];
      while (numbers.length < count) {
        const { value, done } = await entries.next();
        if (done) break;
        numbers.push(value.line.n);
      }
      return numbers;
    },
  };
}

const line = (n: number, more: object = {}) =>
  `${JSON.stringify({ ts: "2026-11-21T23:59:59.000Z", level: "info", event: "e", n, ...more })}\n`;

test("the last lines come first, then what is written", async () => {
  const dir = tempDir();
  const path = join(dir, "afk-2026-11-21.jsonl");
  writeFileSync(path, line(1) + line(2) + line(3));
  const { next } = following({ dir, limit: 2 });
  expect(await next(2)).toEqual([2, 3]);
  appendFileSync(path, line(4));
  expect(await next(1)).toEqual([4]);
});

test("it goes on across midnight and parts of a day, and misses nothing that is still written to an earlier part", async () => {
  const dir = tempDir();
  const clock = fakeClock();
  const log = createLog({ dir, clock, redact: (text) => text, maxBytes: 800 });
  onTestFinished(() => log.close());
  const { next } = following({ dir, limit: 10 });
  const waiting = next(40);
  const numbers = Array.from({ length: 40 }, (_, n) => n);
  for (const n of numbers) {
    log.event("info", "e", { n });
    clock.advance(3_600_000);
  }
  expect(await waiting).toEqual(numbers);
  appendFileSync(join(dir, "afk-2026-11-21.jsonl"), line(99));
  expect(await next(1)).toEqual([99]);
});

test("a line that is half written is told once it is whole", async () => {
  const dir = tempDir();
  const path = join(dir, "afk-2026-11-21.jsonl");
  const [text, other] = [line(1), line(2)];
  writeFileSync(path, text.slice(0, 20));
  const { next } = following({ dir });
  const first = next(2);
  await systemClock.sleep(5);
  appendFileSync(path, text.slice(20) + other);
  expect(await first).toEqual([1, 2]);
});

test("files that are deleted, and put anew in the place of one, are followed from their beginning", async () => {
  const dir = tempDir();
  const path = join(dir, "afk-2026-11-21.jsonl");
  writeFileSync(path, line(1));
  const { next } = following({ dir, limit: 1 });
  expect(await next(1)).toEqual([1]);
  writeFileSync(join(dir, "new"), line(2) + line(3));
  renameSync(join(dir, "new"), path);
  expect(await next(2)).toEqual([2, 3]);
  rmSync(path);
  writeFileSync(join(dir, "afk-2026-11-22.jsonl"), line(4));
  expect(await next(1)).toEqual([4]);
});

test("filters hold, and a folder that is not there yet is waited for", async () => {
  const dir = join(tempDir(), "later");
  const { next } = following({ dir, level: "warn", limit: 10 });
  const waiting = next(1);
  const log = createLog({ dir, clock: fakeClock(), redact: (text) => text, maxBytes: 1_000_000 });
  onTestFinished(() => log.close());
  log.event("info", "e", { n: 1 });
  log.event("warn", "e", { n: 2 });
  expect(await waiting).toEqual([2]);
});

test("it ends when it is told to", async () => {
  const { end, entries } = following({ dir: tempDir() });
  const next = entries.next();
  end();
  expect(await next).toEqual({ done: true, value: undefined });
});
