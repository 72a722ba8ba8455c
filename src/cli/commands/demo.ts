import { existsSync } from "node:fs";
import { processEnvironment } from "../../config/environment.ts";
import { locate } from "../../config/locations.ts";
import { type DemoResult, runDemo } from "../../drill/demo.ts";
import { systemClock } from "../../lib/clock.ts";
import { EXIT } from "../../lib/errors.ts";
import { MICROS_PER_USD } from "../../lib/money.ts";
import { defineCommand, exitCode } from "../command.ts";
import { untilInterrupted } from "../interrupt.ts";
import { paint, printLines } from "../output.ts";

const BAR_CELLS = 30;
const NEXT = [
  "",
  "Next:  afk init      a configuration of your own, with a cap of your own",
  "       afk drill     fires each safety on it, and writes down what happened",
  "       afk simulate  two weeks of it and of faults, in seconds",
];

export default defineCommand({
  json: true,
  async run({ args }) {
    const { state } = locate({
      environment: processEnvironment(),
      configFile: args.config,
      state: args.state,
      cwd: process.cwd(),
    });
    const startedMs = systemClock.uptimeMs();
    const isLive = process.stdout.isTTY === true;
    const line = (text: string) => {
      if (args.json) return;
      const at = ((systemClock.uptimeMs() - startedMs) / 1_000).toFixed(1).padStart(5);
      printLines([`${paint("dim", `${at} s`)}  ${text}`]);
    };
    let bar: string | null = null;
    using interrupt = untilInterrupted();
    try {
      const result = await runDemo({
        isPaced: !args.json,
        signal: interrupt.signal,
        otherwise: existsSync(state) ? state : process.cwd(),
        onSpend({ calls, billMicros, capMicros }) {
          bar = spendBar(calls, billMicros, capMicros);
          if (isLive && !args.json) process.stdout.write(`\r\u001b[2K${" ".repeat(9)}${bar}`);
        },
        onLine(text) {
          if (bar !== null && !args.json) {
            if (isLive) process.stdout.write("\r\u001b[2K");
            line(bar);
          }
          bar = null;
          line(text);
        },
      });
      return {
        json: result,
        text: [...summary(result), ...(result.ok ? NEXT : [])],
        exitCode: exitCode(result.ok),
      };
    } catch (error) {
      if (!interrupt.signal.aborted) throw error;
      printLines(["afk demo: interrupted"], process.stderr);
      return EXIT.failed;
    }
  },
});

/** `████░░ $0.4312 of $1.00 billed, 41 calls`. */
function spendBar(calls: number, billMicros: number, capMicros: number): string {
  const filled = Math.min(BAR_CELLS, Math.round((BAR_CELLS * billMicros) / capMicros));
  const bar = `${"█".repeat(filled)}${"░".repeat(BAR_CELLS - filled)}`;
  return `${paint("yellow", bar)} ${usd(billMicros / MICROS_PER_USD)} of ${usd(capMicros / MICROS_PER_USD)} billed, ${calls} calls`;
}

function summary({ billUsd, chargedUsd, capUsd, calls, problems }: DemoResult): string[] {
  const row = (name: string, amount: number, text: string) => `  ${name.padEnd(8)}${usd(amount)}  ${text}`;
  const bill = row("bill", billUsd, `by the model's own count, of ${calls} calls`);
  return [
    "",
    paint("bold", bill),
    row("charged", chargedUsd, "by afk: the call that was cut off counts at its worst case"),
    row("cap", capUsd, problems.length === 0 ? "never passed" : ""),
    ...problems.map((problem) => paint("red", `  WRONG: ${problem}`)),
  ];
}

function usd(amount: number): string {
  return `$${amount.toFixed(4)}`;
}
