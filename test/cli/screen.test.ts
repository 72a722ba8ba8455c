// @module-tag processes
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";
import { fitRows } from "../../src/cli/screen.ts";
import { deployment, digestConfig, PROCESSES } from "../support/afk.ts";

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
const [ENTER, LEAVE] = ["\u001b[?1049h", "\u001b[?1049l"];

test("what does not fit the terminal is told of", () => {
  expect(fitRows(["a", "b", "c"], 3)).toEqual(["a", "b", "c"]);
  expect(fitRows(["a", "b", "c"], 2)).toEqual(["a", "… 2 more lines"]);
  expect(fitRows(["a", "b", "c"], 0)).toEqual(["a", "b", "c"]);
});

/** `afk status --watch` in a terminal of its own, as util-linux's script makes one. */
async function watching(environment: Record<string, string> = {}) {
  const target = deployment(digestConfig("http://127.0.0.1:9"));
  const command = `stty cols 60 rows 24; exec '${process.execPath}' '${MAIN}' status --watch`;
  const child = spawn("script", ["-qefc", command, "/dev/null"], {
    cwd: target.dir,
    stdio: ["pipe", "pipe", "ignore"],
    env: { PATH: process.env.PATH ?? "", TERM: "xterm-256color", HOME: target.dir, ...environment },
  });
  let output = "";
  const ended = once(child, "close");
  onTestFinished(() => void child.kill("SIGKILL"));
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  const shows = (text: string, times = 1) =>
    expect.poll(() => output.split(text).length - 1, { timeout: 60_000 }).toBeGreaterThanOrEqual(times);
  return { child, shows, ended, output: () => output };
}

describe("the watched status", PROCESSES, () => {
  test("is drawn in place, again and again, and gives the terminal back on Ctrl-C", async ({ skip }) => {
    skip(!(await hasScript()), "there is no util-linux script to make a terminal");
    const { child, shows, ended, output } = await watching();
    await shows("test-agent", 2);
    child.stdin.write("\u0003");
    await ended;
    expect(output().startsWith(ENTER)).toBe(true);
    expect(output().split(ENTER)).toHaveLength(2);
    expect(output().trimEnd().endsWith(LEAVE)).toBe(true);
    // One picture overwrites the other: nothing but the first clears the screen.
    expect(output().split("\u001b[2J")).toHaveLength(2);
  });

  test("moves no cursor where no colour is wanted", async ({ skip }) => {
    skip(!(await hasScript()), "there is no util-linux script to make a terminal");
    const { child, shows, ended, output } = await watching({ NO_COLOR: "1" });
    await shows("test-agent");
    child.stdin.write("\u0003");
    await ended;
    expect(output()).not.toContain("\u001b");
  });
});

async function hasScript(): Promise<boolean> {
  return await promisify(execFile)("script", ["--version"]).then(
    ({ stdout }) => stdout.includes("util-linux"),
    () => false,
  );
}
