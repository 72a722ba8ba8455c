import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { answer } from "./answer.ts";
import { type Benchmark, isMet } from "./benchmark.ts";
import { describeMachine, loadNow, processor } from "./machine.ts";
import { type Answered, resultsPage, tableLines, updatedPage } from "./report.ts";

export interface BenchSettings {
  benchmarks: readonly Benchmark[];
  /** Where the results of a whole run are written. */
  resultsFile: string;
  print(lines: readonly string[]): void;
  /** What is being done meanwhile. */
  say(text: string): void;
}

/** `npm run bench` with these words. @returns the exit code: 1 for a goal that `--check` finds missed, 2 for wrong words. */
export async function runBench(words: string[], settings: BenchSettings): Promise<number> {
  const { benchmarks, print } = settings;
  const parsed = parse(words, benchmarks);
  if ("problems" in parsed) {
    print([...parsed.problems, usage(benchmarks)]);
    return 2;
  }
  const { names, isCheck, isFull, isUpdate, isHelp, dir } = parsed;
  if (isHelp) {
    print([usage(benchmarks)]);
    return 0;
  }
  const isWhole = names.length === 0;
  const chosen = benchmarks.filter(({ name }) => isWhole || names.includes(name));
  const scratch = mkdtempSync(join(dir, "afk-bench-"));
  try {
    const machine = [...describeMachine(scratch), `${today()}, ${loadNow()} at the start`];
    print([...machine, ""]);
    const how = `npm run bench${isFull ? " -- --full" : ""}`;
    const answers: Answered[] = [];
    for (const benchmark of chosen) {
      const answered = await answer(benchmark, { scratch, isFull, say: settings.say });
      print([...tableLines(answered), ""]);
      answers.push(answered);
      // After each: a long run that is broken off has not been for nothing.
      if (isWhole) writeFileSync(settings.resultsFile, resultsPage(answers, machine, how));
      else if (isUpdate) update(settings.resultsFile, answered, isFull);
    }
    const missed = answers.flatMap(({ rows }) => rows).filter((row) => isMet(row) === false);
    print([missed.length === 0 ? "Every goal that was measured is met." : `Goals missed: ${missed.length}.`]);
    return isCheck && missed.length > 0 ? 1 : 0;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function update(file: string, answered: Answered, isFull: boolean): void {
  const page = existsSync(file) ? readFileSync(file, "utf8") : "";
  const how = `\`npm run bench -- ${answered.name}${isFull ? " --full" : ""}\` on ${today()}, ${loadNow()}, ${processor()}`;
  writeFileSync(file, updatedPage(page, [answered], how));
}

function usage(benchmarks: readonly Benchmark[]): string {
  return `Usage: npm run bench [-- NAME... [--update]] [--check] [--full] [--dir FOLDER]

  NAME          only these: ${benchmarks.map(({ name }) => name).join(", ")}
  --update      puts what NAME gave into bench/RESULTS.md, where the whole run writes all
  --check       exits 1 when a goal is missed
  --full        with the long ones: ten million rows, a hundred kills, the image
  --dir FOLDER  measure on the disk of this folder instead of ${tmpdir()}

Without NAME it writes bench/RESULTS.md.`;
}

interface Parsed {
  names: string[];
  isCheck: boolean;
  isFull: boolean;
  isUpdate: boolean;
  isHelp: boolean;
  dir: string;
}

function parse(words: string[], benchmarks: readonly Benchmark[]): Parsed | { problems: string[] } {
  try {
    const { values, positionals: names } = parseArgs({
      args: words,
      allowPositionals: true,
      options: {
        check: { type: "boolean", default: false },
        full: { type: "boolean", default: false },
        update: { type: "boolean", default: false },
        dir: { type: "string", default: tmpdir() },
        help: { type: "boolean", default: false },
      },
    });
    const unknown = names.filter((name) => benchmarks.every((benchmark) => benchmark.name !== name));
    if (unknown.length > 0)
      return { problems: unknown.map((name) => `There is no benchmark named ${name}.`) };
    const { check: isCheck, full: isFull, update: isUpdate, help: isHelp, dir } = values;
    return { names, isCheck, isFull, isUpdate, isHelp, dir };
  } catch (error) {
    if (error instanceof TypeError) return { problems: [error.message] };
    throw error;
  }
}

function today(): string {
  return new Date().toISOString().slice(0, 10);
}
