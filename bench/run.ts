import { fileURLToPath } from "node:url";
import { runBench } from "./harness/main.ts";
import { BENCHMARKS } from "./registry.ts";

process.exitCode = await runBench(process.argv.slice(2), {
  benchmarks: BENCHMARKS,
  resultsFile: fileURLToPath(new URL("RESULTS.md", import.meta.url)),
  print: (lines) => void process.stdout.write(`${lines.join("\n")}\n`),
  say: (text) => void process.stderr.write(`${text}\n`),
});
