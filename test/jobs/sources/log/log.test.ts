import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { levelOf, patternOf, timeOf } from "../../../../src/jobs/sources/log/line.ts";
import { logSettings } from "../../../../src/jobs/sources/log/settings.ts";
import { sourceRuns } from "../../../support/source-runs.ts";
import { tempDir } from "../../../support/temp.ts";

async function following(settings: object = {}) {
  const base = tempDir();
  const at = (name: string) => join(base, name);
  const { run } = await sourceRuns(v.parse(logSettings, { log: "app.log", ...settings }), { base });
  return { base, at, run, write: (text: string, name = "app.log") => appendFileSync(at(name), text) };
}

const titles = ({ items }: { items: { title: string }[] }) => items.map(({ title }) => title).toSorted();

describe("a log in a file", () => {
  test("is told of from the first look on, like lines as one with their count, times and one of them", async () => {
    const { run, write } = await following();
    write("old line\n");
    const first = await run();
    expect(first.items).toEqual([]);
    expect(first.notes.join()).toMatch(/first look/);
    write(
      "2026-11-20T06:00:01Z ERROR request 17 took 3.5 s from 10.0.0.7\n2026-11-20T06:00:02Z INFO started\n",
    );
    write("2026-11-20T06:10:00Z ERROR request 99 took 12 s from 10.0.0.9\n");
    const { items } = await run();
    expect(items).toMatchObject([
      {
        title: "2 × <time> ERROR request # took # s from #",
        text: expect.stringMatching(
          /^2 lines \(error\), from .*06:00.* to .*06:10.*The last of them: .*request 99/,
        ),
        publishedAt: Date.UTC(2026, 10, 20, 6, 10),
      },
      { title: "2026-11-20T06:00:02Z INFO started" },
    ]);
    expect((await run()).items).toEqual([]);
  });

  test("with many long lines of another script fits into what a run records", async () => {
    const { run, write } = await following({ max_items: 1_000 });
    write("start\n");
    await run();
    const word = (n: number) =>
      [...String(n)].map((digit) => String.fromCharCode(97 + Number(digit))).join("");
    for (let n = 0; n < 1_000; n++) write(`ERROR ${word(n)} ${"語".repeat(2_000)}\n`);
    const { items } = await run();
    expect(items).toHaveLength(1_000);
    expect(Buffer.byteLength(JSON.stringify(items))).toBeLessThan(4 * 1024 * 1024);
  });

  test("may be renamed between two looks: the end of the old one is read, then the new one", async () => {
    const { run, write, at } = await following();
    write("start\n");
    await run();
    write("before one\n");
    renameSync(at("app.log"), at("app.log.1"));
    write("after two\n");
    expect(titles(await run())).toEqual(["after two", "before one"]);
    write("three\n");
    expect(titles(await run())).toEqual(["three"]);
  });

  test("may be copied and cut (copytruncate), also when it is longer again by then", async () => {
    const { run, write, at } = await following();
    write("start of it\n");
    await run();
    write("last before\n");
    copyFileSync(at("app.log"), at("app.log-20261120"));
    truncateSync(at("app.log"));
    write("a much longer line than all that was there before it was cut\n");
    expect(titles(await run())).toEqual([
      "a much longer line than all that was there before it was cut",
      "last before",
    ]);
  });

  test("says when what stood before a rotation was compressed away, and goes on", async () => {
    const { run, write, at } = await following();
    write("start\n");
    await run();
    write("lost\n");
    writeFileSync(at("app.log.1.gz"), gzipSync("start\nlost\n"));
    rmSync(at("app.log"));
    write("x".repeat(10));
    write(" new\n");
    const { items, notes } = await run();
    expect(items).toHaveLength(1);
    expect(notes.join()).toMatch(/compressed or removed/);
  });

  test("leaves a line that is still being written for the next look", async () => {
    const { run, write } = await following();
    write("");
    await run();
    write("whole\nha");
    expect(titles(await run())).toEqual(["whole"]);
    write("lf\n");
    expect(titles(await run())).toEqual(["half"]);
  });

  test("with level, match and ignore gives what is asked for, and a stack trace is of its line", async () => {
    const { run, write } = await following({ level: "warning", ignore: ["timeout after # s"] });
    write("");
    await run();
    write(
      'INFO fine\nWARN low disk\n{"level":50,"msg":"db"}\nERROR timeout after 30 s\nfatal: boom\n  at a.js:1\n  at b.js:2\nlevel=debug error none\n',
    );
    const { items } = await run();
    expect(items.map(({ title }) => title)).toEqual([
      "fatal: boom",
      '{"level":50,"msg":"db"}',
      "WARN low disk",
    ]);
    expect(items[0]!.text).toContain("at a.js:1\nat b.js:2");

    const only = await following({ match: ["disk"] });
    only.write("");
    await only.run();
    only.write("low disk\nlow memory\n");
    expect(titles(await only.run())).toEqual(["low disk"]);
  });

  test("at the first look reads back as far as since says", async () => {
    const { run, write } = await following({ since: "1h" });
    const line = (minutes: number) =>
      `${new Date(Date.now() - minutes * 60_000).toISOString()} at ${minutes} minutes`;
    write(`no time\n${line(90)}\n${line(30)}\n`);
    expect(titles(await run())).toEqual([expect.stringContaining("at 30 minutes")]);
  });

  test("that is far too long is read from its end, and that is said", async () => {
    const { run, write, at } = await following({ max_mb: 1 });
    write("start\n");
    await run();
    writeFileSync(at("app.log"), `start\n${"filler of no interest\n".repeat(200_000)}the end\n`);
    const { items, notes } = await run();
    expect(items.map(({ title }) => title)).toContain("the end");
    expect(notes.join()).toMatch(/3 MB were passed over/);
  });

  test("with one line of 100 MB costs a few megabytes of memory, and the lines behind it are read", async () => {
    const { run, write } = await following({ max_mb: 1024 });
    write("start\n");
    await run();
    const part = "x".repeat(10 * 1_048_576);
    for (let n = 0; n < 10; n++) write(part);
    write("\nbehind\n");
    const before = process.memoryUsage().rss;
    const { items } = await run();
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1_048_576);
    expect(titles({ items })).toEqual([expect.stringMatching(/^x+…$/), "behind"].toSorted().reverse());
  });

  test("that is binary, missing or a folder is a failure of the source, and what was known stays", async () => {
    const { run, write, at } = await following();
    write("start\n");
    await run();
    renameSync(at("app.log"), at("kept"));
    expect((await run()).error).toMatch(/no such file/);
    mkdirSync(at("app.log"));
    expect((await run()).error).toMatch(/not a file/);
    rmSync(at("app.log"), { recursive: true });
    write(Buffer.from(Array.from({ length: 4_000 }, (_, n) => n % 7)).toString("latin1"));
    expect((await run()).error).toMatch(/no text/);
    rmSync(at("app.log"));
    renameSync(at("kept"), at("app.log"));
    write("on\n");
    expect(titles(await run())).toEqual(["on"]);
  });

  test("with more patterns than there is room for gives the worst, and counts the rest", async () => {
    const { run, write } = await following({ max_items: 2 });
    write("");
    await run();
    const word = (n: number) =>
      String.fromCharCode(97 + (n % 26), 97 + (Math.floor(n / 26) % 26), 97 + Math.floor(n / 676));
    for (let n = 0; n < 5_000; n++) write(`line ${word(n)}\n`);
    write("ERROR here\n");
    const { items, notes } = await run();
    expect(items).toHaveLength(2);
    expect(items[0]!.title).toBe("ERROR here");
    expect(notes.join()).toMatch(/4999 further lines/);
  });
});

describe("a pattern of files", () => {
  test("reads each, a new one from its beginning, and follows no link out", async () => {
    const { run, write, at } = await following({ log: "*.log" });
    const outside = join(tempDir(), "secret");
    writeFileSync(outside, "secret\n");
    write("old\n", "a.log");
    await run();
    symlinkSync(outside, at("b.log"));
    write("new a\n", "a.log");
    write("new c\n", "c.log");
    expect(titles(await run())).toEqual(["new a", "new c"]);
    utimesSync(at("a.log"), 1, 1);
    expect((await run()).items).toEqual([]);
  });

  test("that fits nothing is a failure of the source", async () => {
    const { run } = await following({ log: "*.log" });
    expect((await run()).error).toMatch(/no such file/);
  });
});

test.each([
  [
    "Nov 20 06:00:01 host sshd[312]: Failed password for root from 10.1.2.3 port 51111",
    "<time> host sshd[#]: Failed password for root from # port #",
  ],
  ["job 0f8fad5b-d9cb-469f-a165-70867728950e done in 0x7ffe", "job # done in #"],
  ["user 8f3a9c21be42 said hello 3 times", "user # said hello # times"],
])("%j is of the pattern %j", (line, pattern) => {
  expect(patternOf(line)).toBe(pattern);
});

test("levels and times are found where programs write them", () => {
  expect(
    ["E1120 06:00:00 x.go] no", "level=warn msg=x", "[CRITICAL] y", '{"severity":"ERROR"}', "hello"].map(
      levelOf,
    ),
  ).toEqual(["error", "warning", "critical", "error", "info"]);
  const nowMs = Date.UTC(2026, 0, 2);
  expect(timeOf("Dec 31 23:59:59 host x", nowMs)).toBe(Date.UTC(2025, 11, 31, 23, 59, 59));
  expect(timeOf('1.2.3.4 - - [20/Nov/2026:06:00:01 +0100] "GET /"', nowMs)).toBe(
    Date.UTC(2026, 10, 20, 5, 0, 1),
  );
  expect(timeOf("no time", nowMs)).toBe(null);
});

test("a line made to keep the search busy takes no time", () => {
  const started = process.cpuUsage();
  for (const line of [
    "1.".repeat(2_000),
    "a1".repeat(4_000),
    "f".repeat(8_000),
    "Jan ".repeat(2_000),
    "x_".repeat(4_000),
    " ".repeat(8_000),
  ]) {
    patternOf(line);
    levelOf(line);
    timeOf(line, 0);
  }
  expect(process.cpuUsage(started).user / 1e6).toBeLessThan(0.5);
});
