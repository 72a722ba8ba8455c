import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readWindow } from "../../src/logs/read-window.ts";
import { tempDir } from "../support/temp.ts";

const NOON = Date.parse("2026-11-21T12:00:00Z");

/** A line a second from noon on, each of about `bytes`, in files of a day. */
function log(seconds: number, bytes: number): string {
  const dir = tempDir();
  const files = Map.groupBy(
    Array.from({ length: seconds }, (_, n) => n),
    (n) => new Date(NOON + n * 1_000).toISOString().slice(0, 10),
  );
  for (const [day, those] of files)
    writeFileSync(
      join(dir, `afk-${day}.jsonl`),
      those
        .map((n) => {
          const ts = new Date(NOON + n * 1_000).toISOString();
          return `${JSON.stringify({ ts, level: "info", event: "x", tick: `t${n}`, job: `j${n % 2}`, n, pad: "x".repeat(bytes) })}\n`;
        })
        .join(""),
    );
  return dir;
}

const numbers = ({ entries }: ReturnType<typeof readWindow>) => entries.map(({ line }) => line.n);

test("finds a line wherever it stands in a log of any size", () => {
  const dir = log(30_000, 500);
  for (const n of [0, 1, 7_777, 15_000, 29_998, 29_999]) {
    const at = NOON + n * 1_000;
    const found = readWindow({ dir, tick: `t${n}`, sinceMs: at, untilMs: at + 1_000 });
    expect(numbers(found), String(n)).toEqual([n]);
    expect(found.isCut).toBe(false);
  }
});

test("goes on over midnight, the oldest first, and into no day but those", () => {
  const dir = log(86_400, 0);
  const midnight = NOON + 43_200_000;
  const window = { dir, job: "j0", sinceMs: midnight - 10_000, untilMs: midnight + 10_000 };
  const found = numbers(readWindow(window)).map(Number);
  expect(found).toEqual(found.toSorted((a, b) => a - b));
  expect(found).toEqual(expect.arrayContaining([43_190, 43_198, 43_200, 43_208]));
});

test("is bounded by lines and by bytes, and says so", () => {
  const many = readWindow({ dir: log(5_000, 0), sinceMs: NOON, untilMs: NOON + 5_000_000 });
  expect([many.entries.length, many.isCut, numbers(many).at(-1)]).toEqual([1_000, true, 4_999]);
  const dense = { dir: log(600, 20_000), tick: "t0", sinceMs: NOON, untilMs: NOON + 600_000 };
  expect(readWindow(dense)).toEqual({ entries: [], isCut: true });
});

test("of nothing is nothing", () => {
  expect(readWindow({ dir: "/no/such/folder", sinceMs: 0, untilMs: NOON })).toEqual({
    entries: [],
    isCut: false,
  });
});
