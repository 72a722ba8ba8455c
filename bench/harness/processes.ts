import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Row, Tools } from "./benchmark.ts";
import { type Spread, spreadOf } from "./statistics.ts";

const REPORT = fileURLToPath(new URL("report-memory.cjs", import.meta.url));

/** A command of this Node, and its environment besides PATH. */
export interface Command {
  words: string[];
  env: Record<string, string>;
  cwd: string;
}

export interface ComparedProcesses {
  /** Subject by baseline. */
  time: Spread;
  memory: Spread;
  /** In milliseconds and MB, of each side. */
  subject: { ms: Spread; megabytes: Spread };
  baseline: { ms: Spread; megabytes: Spread };
}

/**
 * Runs two commands to their ends, in turns. Time is from the start of the process to its end, as somebody waits for it;
 * memory is the most that was resident, measured in runs of their own, since asking for it takes time.
 */
export async function compareProcesses(
  tools: Tools,
  sides: { baseline: Command; subject: Command },
  rounds: number,
): Promise<ComparedProcesses> {
  const names = ["baseline", "subject"] as const;
  const ms = { baseline: [] as number[], subject: [] as number[] };
  const megabytes = { baseline: [] as number[], subject: [] as number[] };
  for (let round = 0; round <= rounds; round++) {
    for (const name of names) {
      const took = await timeOf(sides[name]);
      if (round > 0) ms[name].push(took);
    }
    tools.calibrate();
  }
  for (let round = 0; round < Math.ceil(rounds / 3); round++) {
    for (const name of names) megabytes[name].push(await memoryOf(sides[name]));
  }
  const by = (of: typeof ms) =>
    spreadOf(of.subject.map((value, round) => value / (of.baseline[round] ?? Number.NaN)));
  return {
    time: by(ms),
    memory: by(megabytes),
    subject: { ms: spreadOf(ms.subject), megabytes: spreadOf(megabytes.subject) },
    baseline: { ms: spreadOf(ms.baseline), megabytes: spreadOf(megabytes.baseline) },
  };
}

/** The usual row of a comparison: how many times the baseline's time it took, from start to end. */
export function processTimeRow(
  subject: string,
  baseline: string,
  { time, ...sides }: ComparedProcesses,
  goal: Row["goal"],
): Row {
  const [took, against] = [sides.subject, sides.baseline].map(({ ms }) => `${ms.median.toFixed(0)} ms`);
  return {
    subject,
    baseline,
    result: { type: "ratio", ratio: time, sides: `${took} against ${against}` },
    goal,
  };
}

/** Starts a command; its output is thrown away. */
export function start(command: Command, preload: string[] = []): ChildProcess {
  return spawn(process.execPath, [...preload, ...command.words], {
    cwd: command.cwd,
    env: { PATH: process.env.PATH ?? "", HOME: command.cwd, TZ: "UTC", ...command.env },
    stdio: preload.length > 0 ? ["ignore", "ignore", "inherit", "pipe"] : ["ignore", "ignore", "inherit"],
  });
}

/** Runs a command to its end. @throws Error when it fails. */
export async function runCommand(command: Command): Promise<void> {
  await ended(start(command), command);
}

async function timeOf(command: Command): Promise<number> {
  const startedMs = performance.now();
  await ended(start(command), command);
  return performance.now() - startedMs;
}

async function memoryOf(command: Command): Promise<number> {
  const child = start(command, ["--require", REPORT]);
  const report = child.stdio[3];
  if (report == null || !("setEncoding" in report))
    throw new Error("a process without the pipe it reports to");
  let kilobytes = "";
  report.setEncoding("utf8").on("data", (piece: string) => {
    kilobytes += piece;
  });
  await ended(child, command);
  return Number(kilobytes) / 1_000;
}

async function ended(child: ChildProcess, command: Command): Promise<void> {
  const [code, signal] = await once(child, "close");
  if (code !== 0) throw new Error(`${command.words.join(" ")} ended with ${code ?? signal}`);
}
