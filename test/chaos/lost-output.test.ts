import { execFileSync, type StdioOptions, spawn } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it, onTestFinished } from "vitest";
import { lineWriter } from "../../src/cli/log-output.ts";
import { COMPILE_CACHE, type Deployment, deployment, fillInbox, PROCESSES } from "../support/afk.ts";
import { cases, report } from "../support/chaos.ts";
import { tempDir } from "../support/temp.ts";
import { cannotMount, fill, makeRoom, mountOn } from "./support/full-disk.ts";

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

function agent(): Deployment {
  const target = deployment({
    agent: "unheard",
    budget: { daily_cap_usd: 1 },
    models: { chain: ["extractive"] },
    jobs: [{ name: "digest", kind: "digest", every: "1d", sources: [{ folder: "./inbox" }] }],
  });
  fillInbox(target, 1);
  return target;
}

function start(target: Deployment, words: string[], stdio: StdioOptions) {
  const child = spawn(process.execPath, [MAIN, ...words], {
    cwd: target.dir,
    stdio,
    env: { PATH: process.env.PATH ?? "", HOME: target.dir, TZ: "UTC", ...COMPILE_CACHE },
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

async function codeOf(child: ReturnType<typeof start>): Promise<unknown> {
  const [code, signal] = await once(child, "exit");
  return signal ?? code;
}

/** What a file has no use for. */
const NO_PIPE = { write: () => true, writable: true, writableLength: 0 };

/** A descriptor that says that the disk is full, whatever is written. */
function fullDevice(): number {
  const file = openSync("/dev/full", "w");
  onTestFinished(() => closeSync(file));
  return file;
}

/** A pipe that takes no byte more, and that nobody reads. */
function fullPipe(): number {
  const path = join(tempDir(), "pipe");
  execFileSync("mkfifo", [path]);
  const pipe = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  onTestFinished(() => closeSync(pipe));
  const bytes = Buffer.alloc(4_096);
  try {
    for (;;) writeSync(pipe, bytes);
  } catch (error) {
    expect((error as NodeJS.ErrnoException).code).toBe("EAGAIN");
  }
  return pipe;
}

it("does its work though nothing of what it says can be written", PROCESSES, async ({ skip }) => {
  if (process.platform !== "linux") skip("/dev/full is Linux's");
  const outputs: Record<string, () => number> = {
    "a full disk": fullDevice,
    "a pipe that nobody reads": fullPipe,
  };
  const commands = [["run"], ["tick"], ["tick", "--json"]].slice(0, cases({ test: 1, chaos: 3 }));
  for (const [what, open] of Object.entries(outputs)) {
    for (const words of commands) {
      const target = agent();
      const output = open();
      const child = start(target, words, ["ignore", output, output]);
      if (words[0] === "run") {
        await expect.poll(() => target.events(), { timeout: 30_000 }).toContain("tick_finished");
        child.kill("SIGTERM");
      }
      expect(await codeOf(child), `${words.join(" ")} into ${what}`).toBe(0);
      expect(target.query("select state from jobs"), what).toEqual([{ state: "done" }]);
      expect(target.events(), what).toContain("job_done");
    }
  }
  report("lost output", Object.keys(outputs).length * commands.length);
});

it("does its work with something else in the place of the log's folder", PROCESSES, async () => {
  for (const place of [
    (logs: string) => writeFileSync(logs, ""),
    (logs: string) => symlinkSync("/nonexistent/logs", logs),
  ]) {
    const target = agent();
    mkdirSync(target.state);
    place(join(target.state, "logs"));
    const { code, stderr } = await target.afk(["tick"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(Object.keys(target.outputs())).toHaveLength(2);
  }
});

it("says of a command whose work it is to say something that it could not", PROCESSES, async ({ skip }) => {
  if (process.platform !== "linux") skip("/dev/full is Linux's");
  const target = agent();
  await target.afk(["tick"]);
  for (const words of [["status"], ["logs"], ["jobs", "--json"], ["--help"]].slice(
    0,
    cases({ test: 1, chaos: 4 }),
  )) {
    const child = start(target, words, ["ignore", fullDevice(), "pipe"]);
    let said = "";
    child.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
      said += chunk;
    });
    expect(await codeOf(child), words.join(" ")).toBe(1);
    expect(said).toMatch(/^standard output could not be written: ENOSPC/);
    expect(said).not.toMatch(/^\s+at /m);
  }
  expect(await codeOf(start(target, ["status"], ["ignore", fullDevice(), fullDevice()]))).toBe(1);
  const head = execFileSync(
    "/bin/sh",
    ["-c", `"$@" 2>&1 | head -n 1`, "sh", process.execPath, MAIN, "logs"],
    {
      cwd: target.dir,
      encoding: "utf8",
    },
  );
  expect(head.split("\n")).toHaveLength(2);
});

it("says how many lines were dropped once there is room again", ({ skip }) => {
  const reason = cannotMount();
  if (reason !== null) skip(reason);
  const dir = tempDir();
  mountOn(dir);
  const path = join(dir, "log");
  const file = openSync(path, "a");
  onTestFinished(() => closeSync(file));
  const write = lineWriter({ ...NO_PIPE, fd: file });
  write("before");
  fill(dir, 0);
  for (let n = 0; n < 2_000; n++) write(`lost ${n} ${"x".repeat(100)}`);
  makeRoom(dir);
  write("after");
  const lines = readFileSync(path, "utf8").trim().split("\n");
  expect(lines[0]).toBe("before");
  expect(lines.at(-1)).toBe("after");
  const told = JSON.parse(lines.at(-2) ?? "");
  expect(told).toMatchObject({ level: "warn", event: "log_dropped", error: expect.stringMatching(/./) });
  expect(lines.filter((line) => line.endsWith("x".repeat(100))).length + told.lines).toBe(2_000);
});
