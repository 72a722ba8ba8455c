// @module-tag processes
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { tempDir } from "../support/temp.ts";
import { install, SYSTEMD, staged } from "./staged.ts";

/** What was called, in order, and how `afk start` ended, on a host where the commands that begin with `failing` fail. */
function begin(words: string[], failing = "nothing", clock = "null") {
  const root = staged();
  const log = join(root, "calls");
  const bin = join(tempDir(), "bin");
  mkdirSync(bin);
  const note = `#!/bin/sh\nprintf '%s\\n' "\${0##*/} $*" >>'${log}'\n`;
  const fails = `case "$*" in "clock status"*) echo '${clock}' ;; "${failing}"*) exit 1 ;; esac\n`;
  writeFileSync(join(root, "usr/local/bin/afk"), note + fails, { mode: 0o755 });
  writeFileSync(join(bin, "systemctl"), note, { mode: 0o755 });
  const { status, stdout, stderr } = spawnSync(join(root, "usr/local/lib/afk/start"), words, {
    encoding: "utf8",
    env: { ...process.env, PATH: `${bin}:${process.env.PATH}` },
  });
  const calls = existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : [];
  return { code: status, stdout, stderr, calls };
}

const ALERT = "afk alert test";
const DRILL = "afk drill cap stop-file stop-process";
const STATUS = "afk clock status --json";
const CLOCK = "afk clock start";
const TIMER = "systemctl enable --now afk.timer";

describe("afk start", () => {
  it("starts the timer behind a real alert, the drills and the clock, in this order", () => {
    expect(begin([])).toMatchObject({ code: 0, calls: [ALERT, DRILL, STATUS, CLOCK, TIMER] });
  });

  it.each([
    ["no channel works", "alert", [ALERT], "afk start --without-alerts"],
    ["a safety does not", "drill", [ALERT, DRILL], "afk start --without-drills"],
    ["the clock is refused", "clock start", [ALERT, DRILL, STATUS, CLOCK], "afk start --without-drills"],
  ])("starts nothing when %s, and says what would", (_why, failing, calls, advice) => {
    const begun = begin([], failing);
    expect(begun).toMatchObject({ code: 1, calls });
    expect(begun.stderr).toContain("afk.timer was not started");
    expect(begun.stderr).toContain(advice);
  });

  it.each<[string[], string[]]>([
    [["--without-alerts"], [DRILL, STATUS, CLOCK, TIMER]],
    [["--without-drills"], [ALERT, TIMER]],
    [["--without-alerts", "--without-drills"], [TIMER]],
    [["--loop"], [ALERT, DRILL, STATUS, CLOCK, "systemctl enable --now afk-loop.service"]],
  ])("leaves out what the owner says no to, and says so: %j", (words, calls) => {
    const begun = begin(words);
    expect(begun).toMatchObject({ code: 0, calls });
    if (words.includes("--without-alerts")) expect(begun.stdout).toContain("Nobody hears of what goes wrong");
    if (words.includes("--without-drills")) expect(begun.stdout).toContain("No safety was fired");
  });

  it("leaves a clock that runs as it is, so that it may be typed again", () => {
    const begun = begin([], "clock start", '{ "startedAt": "2026-11-21T00:00:00Z" }');
    expect(begun).toMatchObject({ code: 0, calls: [ALERT, DRILL, STATUS, TIMER] });
  });

  it("does nothing for a word that it does not know", () => {
    expect(begin(["--yes"])).toMatchObject({ code: 2, calls: [] });
  });
});

describe("the installer", () => {
  it("starts by that command alone", () => {
    const text = readFileSync(join(SYSTEMD, "install"), "utf8");
    expect(text).toContain("start $without");
    expect(text).not.toMatch(/run systemctl enable --now afk\.timer/);
  });

  it("takes the owner's no only together with the start", () => {
    const { code, stderr } = install("--without-alerts", "--root", tempDir());
    expect({ code, stderr }).toEqual({ code: 1, stderr: "install: --without-alerts goes with --start\n" });
  });
});
