// @module-tag processes
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, it, onTestFinished } from "vitest";
import { isAlive } from "../../chaos/support/misbehaving.ts";

const MODULE = new URL("../../../src/runner/wedge/kill-process.ts", import.meta.url).href;
const SCRIPT = `
  const { spawn } = await import("node:child_process");
  const child = spawn("sleep", ["300"], { stdio: "ignore" });
  process.stdout.write(child.pid + "\\n", async () => (await import("${MODULE}")).killThisProcess());`;

it("takes its group with it where it leads one", async () => {
  const { ended, child } = await run(process.execPath, ["--input-type=module", "-e", SCRIPT]);
  expect(await ended).toEqual([null, "SIGKILL"]);
  await expect.poll(() => isAlive(child)).toBe(false);
});

it("goes alone where somebody else leads the group", async () => {
  const command = '"$1" --input-type=module -e "$2"; echo survived $?; exit 3';
  const { ended, child, output } = await run("sh", ["-c", command, "sh", process.execPath, SCRIPT]);
  expect(await ended).toEqual([3, null]);
  expect(output()).toContain("survived 137");
  expect(isAlive(child)).toBe(true);
});

/** Runs a command in a group of its own, and reads the process id of the sleeper that it starts. */
async function run(file: string, words: string[]) {
  const cwd = fileURLToPath(new URL("../../..", import.meta.url));
  const started = spawn(file, words, { cwd, detached: true, stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  started.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    output += chunk;
  });
  const ended = once(started, "exit");
  await once(started.stdout, "data");
  const child = Number.parseInt(output, 10);
  onTestFinished(() => {
    if (isAlive(child)) process.kill(child, "SIGKILL");
  });
  return { ended, child, output: () => output };
}
