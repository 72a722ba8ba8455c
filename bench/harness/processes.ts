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
  /** Subject by baseline, of each round. */
  ratio: Spread;
  /** Of each side, in the unit. */
  subject: Spread;
  baseline: Spread;
  unit: "ms" | "MB";
}

interface Commands {
  baseline: Command;
  subject: Command;
}

/** Runs two commands to their ends, in turns: from the start of the process to its end, as somebody waits for it. */
export async function compareTimes(
  tools: Tools,
  commands: Commands,
  rounds: number,
): Promise<ComparedProcesses> {
  // Once unmeasured: files are read for the first time.
  await inTurns(commands, 1, timeOf);
  const samples = await inTurns(commands, rounds, timeOf, tools.calibrate);
  return compared(samples, "ms");
}

/** The same for the most memory that was resident. In runs of their own, since asking for it takes time. */
export async function compareMemory(commands: Commands, rounds: number): Promise<ComparedProcesses> {
  return compared(await inTurns(commands, rounds, memoryOf), "MB");
}

/** The usual row of a comparison: how many times the baseline's time or memory it took. */
export function processRow(
  subject: string,
  baseline: string,
  { ratio, unit, ...of }: ComparedProcesses,
  goal: Row["goal"],
): Row {
  const [took, against] = [of.subject, of.baseline].map(({ median }) => `${median.toFixed(0)} ${unit}`);
  return { subject, baseline, result: { type: "ratio", ratio, sides: `${took} against ${against}` }, goal };
}

type Samples = Record<keyof Commands, number[]>;

async function inTurns(
  commands: Commands,
  rounds: number,
  measure: (command: Command) => Promise<number>,
  afterRound: () => void = () => undefined,
): Promise<Samples> {
  const samples: Samples = { baseline: [], subject: [] };
  for (let round = 0; round < rounds; round++) {
    for (const name of ["baseline", "subject"] as const) samples[name].push(await measure(commands[name]));
    afterRound();
  }
  return samples;
}

function compared({ baseline, subject }: Samples, unit: ComparedProcesses["unit"]): ComparedProcesses {
  const ratios = subject.map((value, round) => value / (baseline[round] ?? Number.NaN));
  return { ratio: spreadOf(ratios), subject: spreadOf(subject), baseline: spreadOf(baseline), unit };
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
