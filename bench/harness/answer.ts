import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Benchmark, Tools } from "./benchmark.ts";
import { fsyncLoop } from "./fsync.ts";
import type { Answered } from "./report.ts";
import { spreadOf } from "./statistics.ts";

/** Runs one benchmark in folders of its own under `scratch`. A failure of its is a failure of the run. */
export async function answer(
  benchmark: Benchmark,
  options: { scratch: string; isFull: boolean; say: (text: string) => void },
): Promise<Answered> {
  const folder = () => mkdtempSync(join(options.scratch, `${benchmark.name}-`));
  const own = folder();
  const fsyncs = fsyncLoop(own);
  const cleanUps: (() => unknown)[] = [];
  const tools: Tools = {
    folder: () => {
      const made = folder();
      cleanUps.push(() => rmSync(made, { recursive: true, force: true }));
      return made;
    },
    isFull: options.isFull,
    calibrate: () => void fsyncs.push(...fsyncLoop(own)),
    say: (text) => options.say(`${benchmark.name}: ${text}`),
    after: (cleanUp) => void cleanUps.push(cleanUp),
  };
  const startedMs = performance.now();
  try {
    const rows = await benchmark.run(tools);
    tools.calibrate();
    const seconds = (performance.now() - startedMs) / 1_000;
    return { name: benchmark.name, question: benchmark.question, rows, fsyncUs: spreadOf(fsyncs), seconds };
  } finally {
    for (const cleanUp of cleanUps.reverse()) await cleanUp();
    rmSync(own, { recursive: true, force: true });
  }
}
