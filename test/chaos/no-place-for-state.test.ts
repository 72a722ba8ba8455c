import { execFileSync } from "node:child_process";
import { rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { deployment, digestConfig } from "../support/afk.ts";
import { cases, patience, report } from "../support/chaos.ts";

/*
 * Where there can be no state, each command says so at once. What is wrong with such a place does not heal, so nothing may
 * ask again until it does.
 */

const LOCATIONS = [
  "/proc/x",
  `./${"a".repeat(300)}`,
  "/dev/null",
  "/proc",
  "/sys/x",
  "/dev/full/x",
  "/proc/self/x/y",
  "/dev/fd",
  "/proc/1/ns",
];
const COMMANDS = [["tick"], ["run"], ["stop"], ["watchdog"], ["enqueue", "digest"], ["health"], ["status"]];
/** A state that nobody has made yet is read as an empty one, wherever it would be. */
const READING = ["health", "status"];
/** Files that afk reads, which may be anything when somebody else can write to the folder. */
const FILES = ["afk.db-wal", "afk.db", "lock.db"];
const MOST_MS = 20_000;

test("a state where none can be is refused at once, by each command", {
  timeout: patience({ test: 180_000, chaos: 300_000 }),
}, async ({ skip }) => {
  skip(process.platform !== "linux", "there is no /proc");
  const target = deployment(digestConfig("http://127.0.0.1:9"));
  const pairs = LOCATIONS.flatMap((place) => COMMANDS.map((words) => ({ place, words })));
  // The short form is a tick in each of the first four.
  const chosen = pairs
    .toSorted((a, b) => COMMANDS.indexOf(a.words) - COMMANDS.indexOf(b.words))
    .slice(0, cases({ test: 4, chaos: pairs.length }));
  for (const { place, words } of chosen) {
    const began = performance.now();
    const { code, stdout, stderr } = await target.afk([...words, "--state", place]);
    const said = `${words[0]} in ${place}: ${stdout}${stderr}`;
    expect(performance.now() - began, said).toBeLessThan(MOST_MS);
    expect(said).not.toMatch(/^ {4}at /m);
    if (READING.some((name) => words.includes(name)) && code === 0) continue;
    expect(code, said).toBe(1);
    expect(said).toMatch(/cannot (be )?(make|made|write|lock)/);
  }
  report("a state where none can be", chosen.length);
});

test("a pipe or a device in the place of a file of the state is refused at once", {
  timeout: patience({ test: 180_000, chaos: 120_000 }),
}, async ({ skip }) => {
  skip(process.platform !== "linux", "there is no /proc");
  const target = deployment(digestConfig("http://127.0.0.1:9"));
  const chosen = FILES.slice(0, cases({ test: 1, chaos: FILES.length }));
  for (const name of chosen) {
    const path = join(target.state, name);
    for (const make of [() => execFileSync("mkfifo", [path]), () => symlinkSync("/dev/zero", path)]) {
      execFileSync("mkdir", ["-p", target.state]);
      make();
      for (const word of ["tick", "status"]) {
        const began = performance.now();
        const { code, stderr } = await target.afk([word]);
        expect(performance.now() - began).toBeLessThan(MOST_MS);
        expect({ word, code, stderr }).toEqual({
          word,
          code: 1,
          stderr: expect.stringContaining("is no plain file"),
        });
      }
      const began = performance.now();
      await target.afk(["stop"]);
      expect(performance.now() - began).toBeLessThan(MOST_MS);
      rmSync(target.state, { recursive: true });
    }
  }
  report("no plain file in the state", chosen.length * 2);
});
