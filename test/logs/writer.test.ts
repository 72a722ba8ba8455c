// @module-tag processes
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { AfkError } from "../../src/lib/errors.ts";
import type { Fields } from "../../src/lib/log.ts";
import { createRedactor } from "../../src/lib/redact.ts";
import { listLogFiles } from "../../src/logs/files.ts";
import { createLog, type LogOptions } from "../../src/logs/writer.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { tempDir } from "../support/temp.ts";

const FILE = "afk-2026-11-21.jsonl";

function open(options: Partial<LogOptions> = {}) {
  const dir = options.dir ?? join(tempDir(), "logs");
  const clock = fakeClock();
  const log = createLog({ dir, clock, redact: createRedactor(["hunter2"]), maxBytes: 1_000_000, ...options });
  return { dir, clock, log };
}

function linesIn(dir: string, name = FILE): Record<string, unknown>[] {
  const lines = readFileSync(join(dir, name), "utf8").split("\n");
  // Whoever opens a part while another process is in the middle of a line takes that for torn, and ends it.
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line));
}

function written(fields: Fields): Record<string, unknown> {
  const { dir, log } = open();
  log.event("info", "tested", fields);
  return linesIn(dir)[0] ?? {};
}

describe("a line", () => {
  test("has ts, level and event first, then the fields of the child and of the call", () => {
    const { dir, log } = open();
    log
      .child({ tick: "t1", job: "j1" })
      .child({ step: "s1" })
      .event("warn", "call_failed", { job: "j2", n: 1 });
    expect(readFileSync(join(dir, FILE), "utf8")).toBe(
      `{"ts":"2026-11-21T10:00:00.000Z","level":"warn","event":"call_failed","tick":"t1","job":"j2","step":"s1","n":1}\n`,
    );
  });

  test("keeps its ts, level and event whatever the fields are called", () => {
    const line = written({ ts: "x", level: "x", event: "x", other: 1 });
    expect(line).toEqual({ ts: "2026-11-21T10:00:00.000Z", level: "info", event: "tested", other: 1 });
  });

  test("shows errors with code and causes, and without stacks", () => {
    const error = new AfkError("cap_hit", "no more", {
      cause: Object.assign(new Error("inner"), { code: "EIO" }),
    });
    expect(written({ error }).error).toEqual({
      name: "AfkError",
      message: "no more",
      code: "cap_hit",
      cause: { name: "Error", message: "inner", code: "EIO" },
    });
  });

  test("holds what JSON cannot say", () => {
    const circle: Fields = { name: "c" };
    circle.self = circle;
    const line = written({
      big: 10n ** 20n,
      none: undefined,
      infinite: Number.POSITIVE_INFINITY,
      fn: () => 1,
      bytes: new Uint8Array(5),
      date: new Date(0),
      map: new Map([["a", 1]]),
      set: new Set([1, 2]),
      url: new URL("http://example.org/x"),
      twice: [circle, circle],
      ["__proto__"]: "kept",
    });
    expect(line).toMatchObject({
      big: "100000000000000000000",
      infinite: "Infinity",
      fn: "[function]",
      bytes: "[5 bytes]",
      date: "1970-01-01T00:00:00.000Z",
      map: { a: 1 },
      set: [1, 2],
      url: "http://example.org/x",
      twice: [
        { name: "c", self: "[circular]" },
        { name: "c", self: "[circular]" },
      ],
    });
    expect(line).not.toHaveProperty("none");
  });

  test("survives fields that throw", () => {
    const throwing = {
      get x(): never {
        throw new Error("no");
      },
    };
    expect(written({ inner: throwing, other: 1 })).toMatchObject({
      event: "tested",
      inner: "[unreadable: Error: no]",
      other: 1,
    });
    const { dir, log } = open();
    log.event("info", "tested", throwing as Fields);
    expect(linesIn(dir)).toHaveLength(1);
  });

  test("is bounded in depth, in text and in number of values", () => {
    let deep: unknown = "bottom";
    for (let i = 0; i < 100; i++) deep = { deep };
    const wide = Array.from({ length: 99 }, () =>
      Array.from({ length: 99 }, () => Array.from({ length: 99 }, () => 1 / 3)),
    );
    const line = written({
      long: "x".repeat(50_000),
      deep,
      control: "\u0000".repeat(50_000),
      wide,
      many: Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`k${i}`, "v".repeat(9_000)])),
    });
    expect(String(line.long)).toHaveLength(8_001);
    expect(JSON.stringify(line.deep)).toBe('{"deep":{"deep":{"deep":{"deep":{"deep":"[deeper]"}}}}}');
    expect(JSON.stringify(line).length).toBeLessThan(100_000);
  });

  test("never ends in half a surrogate pair", () => {
    const { long } = written({ long: `x${"😀".repeat(5_000)}` });
    expect(String(long).isWellFormed()).toBe(true);
  });
});

describe("secrets", () => {
  test("are redacted in values, names, numbers, errors and under telling names, and the line stays JSON", () => {
    const { dir, log } = open({ redact: createRedactor(["hunter2", "123456789"]) });
    log.event("info", "with hunter2", {
      text: "a hunter2 b",
      hunter2: 1,
      chat: 123456789,
      error: new Error("bad hunter2", { cause: new Error("hunter2") }),
      nested: { apiKey: "anything at all", list: ["hunter2"] },
    });
    const text = readFileSync(join(dir, FILE), "utf8");
    expect(text).not.toMatch(/hunter2|123456789|anything/);
    expect(linesIn(dir)[0]).toMatchObject({ chat: "[redacted]", nested: { apiKey: "[redacted]" } });
  });

  test("that span several fields take all fields with them", () => {
    const { dir, log } = open({ redact: createRedactor(['1,"b":2']) });
    log.event("info", "tested", { a: 1, b: 2 });
    expect(linesIn(dir)[0]).toEqual({
      ts: "2026-11-21T10:00:00.000Z",
      level: "info",
      event: "tested",
      fields: "[redacted]",
    });
  });

  test("at the place where a text is cut are not left in part", () => {
    const secret = "s3cr3t-".repeat(20);
    const { dir, log } = open({ redact: createRedactor([secret]) });
    log.event("info", "tested", { text: "x".repeat(7_990) + secret });
    expect(readFileSync(join(dir, FILE), "utf8")).not.toContain("s3cr");
  });

  test("do not reach the sink either", () => {
    const lines: string[] = [];
    open({ sink: (line) => lines.push(line) }).log.event("info", "tested", { text: "hunter2" });
    expect(lines.join()).not.toContain("hunter2");
    expect(lines).toHaveLength(1);
  });
});

describe("files", () => {
  test("are one for each UTC day", () => {
    const { dir, clock, log } = open();
    log.event("info", "one");
    clock.advance(14 * 3_600_000);
    log.event("info", "two");
    expect(readdirSync(dir).sort()).toEqual([FILE, "afk-2026-11-22.jsonl"]);
  });

  test("are continued in parts of a quarter of the bound", () => {
    const { dir, log } = open({ maxBytes: 4_000 });
    for (let n = 0; n < 40; n++) log.event("info", "tested", { n });
    const names = [
      "afk-2026-11-21.jsonl",
      "afk-2026-11-21.2.jsonl",
      "afk-2026-11-21.3.jsonl",
      "afk-2026-11-21.4.jsonl",
    ];
    expect(readdirSync(dir).sort()).toEqual([...names].sort());
    for (const name of names) expect(statSync(join(dir, name)).size).toBeLessThanOrEqual(1_000);
    expect(names.flatMap((name) => linesIn(dir, name).map((line) => line.n))).toEqual(
      Array.from({ length: 40 }, (_, n) => n),
    );
  });

  test("take a line that is larger than a part", () => {
    const { dir, log } = open({ maxBytes: 40 });
    log.event("info", "one");
    log.event("info", "two");
    expect(readdirSync(dir)).toHaveLength(2);
  });

  test("go on in the last part after a restart", () => {
    const { dir, log } = open({ maxBytes: 800 });
    for (let n = 0; n < 5; n++) log.event("info", "tested", { n });
    log.close();
    const last = listLogFiles(dir).at(-1)?.name ?? "";
    expect(last).toBe("afk-2026-11-21.3.jsonl");
    open({ dir, maxBytes: 800 }).log.event("info", "after");
    expect(linesIn(dir, last).at(-1)).toMatchObject({ event: "after" });
    expect(listLogFiles(dir)).toHaveLength(3);
  });

  test("are made again when somebody deletes them", () => {
    const { dir, log } = open();
    log.event("info", "one");
    rmSync(dir, { recursive: true });
    log.event("info", "two");
    expect(linesIn(dir)).toMatchObject([{ event: "two" }]);
  });

  test("end a line that a crash tore before the next one begins", () => {
    const { dir, log } = open();
    mkdirSync(dir);
    writeFileSync(join(dir, FILE), '{"ts":"2026-11-');
    log.event("info", "after");
    const [torn, next] = readFileSync(join(dir, FILE), "utf8").split("\n");
    expect(torn).toBe('{"ts":"2026-11-');
    expect(JSON.parse(next ?? "")).toMatchObject({ event: "after" });
  });

  test("keep every line whole when two processes write at once, across parts", async () => {
    const dir = tempDir();
    const script = join(dir, "write.ts");
    const writer = new URL("../../src/logs/writer.ts", import.meta.url).href;
    const clock = new URL("../../src/lib/clock.ts", import.meta.url).href;
    writeFileSync(
      script,
      `import { createLog } from "${writer}"; import { systemClock } from "${clock}";
       const log = createLog({ dir: ${JSON.stringify(join(dir, "logs"))}, clock: { ...systemClock, nowMs: () => 0 }, redact: (t) => t, maxBytes: 100_000 });
       for (let n = 0; n < 500; n++) log.event("info", "tested", { who: process.argv[2], n, text: "x".repeat(n % 300) });`,
    );
    const children = ["a", "b"].map((who) => fork(script, [who]));
    const codes = await Promise.all(children.map(async (child) => (await once(child, "exit"))[0]));
    expect(codes).toEqual([0, 0]);
    const lines = readdirSync(join(dir, "logs")).flatMap((name) => linesIn(join(dir, "logs"), name));
    expect(new Set(lines.map((line) => `${line.who}${line.n}`)).size).toBe(1_000);
    expect(lines).toHaveLength(1_000);
  });
});

describe("what cannot be written", () => {
  test("is counted, still goes to the sink, and is told of before the next line that can", () => {
    const parent = tempDir();
    const dir = join(parent, "logs");
    writeFileSync(dir, "a file where the folder should be");
    const sunk: string[] = [];
    const { log } = open({ dir, sink: (line) => sunk.push(line) });
    log.event("info", "one");
    log.event("error", "two");
    expect(sunk).toHaveLength(2);

    rmSync(dir);
    log.event("info", "three");
    log.event("info", "four");
    expect(linesIn(dir)).toMatchObject([
      { event: "log_dropped", level: "warn", lines: 2 },
      { event: "three" },
      { event: "four" },
    ]);
    expect(sunk.map((line) => JSON.parse(line).event)).toEqual([
      "one",
      "two",
      "log_dropped",
      "three",
      "four",
    ]);
  });

  test.skipIf(process.platform !== "linux")("on a full disk fails no work", () => {
    const dir = tempDir();
    // Every write to this device fails with "no space left".
    symlinkSync("/dev/full", join(dir, FILE));
    const sunk: string[] = [];
    const { log } = open({ dir, sink: (line) => sunk.push(line) });
    log.event("info", "one");
    rmSync(join(dir, FILE));
    log.event("info", "two");
    expect(linesIn(dir)).toMatchObject([{ event: "log_dropped", lines: 1 }, { event: "two" }]);
    expect(String(linesIn(dir)[0]?.error)).toContain("ENOSPC");
    expect(sunk).toHaveLength(3);
  });

  test("to the sink is told of once in the file, and the sink gets nothing more", () => {
    let calls = 0;
    const { dir, log } = open({
      sink: () => {
        calls += 1;
        throw new Error("closed");
      },
    });
    log.event("info", "one");
    log.event("info", "two");
    expect(linesIn(dir).map((line) => line.event)).toEqual(["one", "log_sink_failed", "two"]);
    expect(calls).toBe(1);
  });
});

test("the sink gets its level and above; the file gets all", () => {
  const sunk: string[] = [];
  const { dir, log } = open({ sink: (line) => sunk.push(line), sinkLevel: "warn" });
  for (const level of ["debug", "info", "warn", "error"] as const) log.event(level, level);
  expect(linesIn(dir)).toHaveLength(4);
  expect(sunk.map((line) => JSON.parse(line).level)).toEqual(["warn", "error"]);
});

test("closing twice, or writing after closing, is harmless", () => {
  const { dir, log } = open();
  log.event("info", "one");
  log.close();
  log.close();
  log.event("info", "two");
  expect(linesIn(dir)).toHaveLength(2);
});
