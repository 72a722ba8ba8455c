import { readAgentConfig } from "../../agent.ts";
import { EXIT } from "../../lib/errors.ts";
import { systemRandomness } from "../../lib/ids.ts";
import { formatUsd } from "../../lib/money.ts";
import { didYouMean } from "../../lib/nearest.ts";
import type { Day } from "../../simulate/calendar.ts";
import { FAULT_NAMES, type FaultName } from "../../simulate/fault-names.ts";
import { openSimulator } from "../../simulate/simulate.ts";
import { verdictOf } from "../../simulate/verdict.ts";
import { defineCommand, exitCode, UsageError } from "../command.ts";
import { untilInterrupted } from "../interrupt.ts";
import { printLines } from "../output.ts";
import { type Column, tableText } from "../text.ts";

const DAYS_MAX = 90;
const SEED_MAX = 2 ** 31 - 1;
/** The most that is said of a day in one cell; `--json` has all of it. */
const WORDS_SHOWN = 3;

/** A simulated day as a row. */
const DAY_COLUMNS: Column<Day>[] = [
  ["DAY", ({ date }) => date],
  ["TICKS", ({ ticks }) => String(ticks), "right"],
  ["FILES", ({ outputs }) => String(outputs), "right"],
  ["CALLS", ({ requests }) => String(requests), "right"],
  ["BILLED", ({ billedMicros }) => formatUsd(billedMicros), "right"],
  ["REFUSED", ({ refused }) => some(Object.entries(refused).map(([name, count]) => `${count} ${name}`))],
  ["WHAT WENT WRONG", ({ faults }) => some(faults.map(({ words }) => words))],
  ["TOLD", ({ told }) => (told.length === 0 ? "" : String(told.length)), "right"],
];

export default defineCommand({
  json: true,
  args: {
    days: { type: "number", integer: true, min: 1, max: DAYS_MAX, default: 14, description: "How many days" },
    seed: {
      type: "number",
      integer: true,
      min: 1,
      max: SEED_MAX,
      description:
        "Decides everything that happens; the same seed gives the same days (a new one unless stated)",
    },
    faults: {
      type: "string",
      valueHint: "LIST",
      default: "all",
      description: `What goes wrong: all, none, or some of ${FAULT_NAMES.join(",")}`,
    },
  },
  async run({ args, program }) {
    const faults = readFaults(args.faults);
    const config = readAgentConfig(args);
    const seed = args.seed ?? 1 + Math.floor(systemRandomness.random() * (SEED_MAX - 1));
    const repeat = `${program.name} simulate --days ${args.days} --seed ${seed} --faults ${args.faults}`;
    const isShown = process.stderr.isTTY === true && !args.json;
    using interrupt = untilInterrupted();
    const simulator = openSimulator();
    let passed = 0;
    try {
      const result = await simulator.run({
        config: args.config,
        days: args.days,
        seed,
        faults,
        signal: interrupt.signal,
        onDay() {
          passed += 1;
          if (isShown) process.stderr.write(`\r\u001b[2Kday ${passed} of ${args.days} …`);
        },
      });
      if (isShown) process.stderr.write("\r\u001b[2K");
      const verdict = verdictOf(result, config, repeat);
      return {
        json: { ok: verdict.isWell, seed, faults, repeat, ...result, verdict: verdict.lines },
        text: [...tableText(result.days, DAY_COLUMNS, ""), "", ...verdict.lines],
        exitCode: exitCode(verdict.isWell),
      };
    } catch (error) {
      if (!interrupt.signal.aborted) throw error;
      printLines(["afk simulate: interrupted"], process.stderr);
      return EXIT.failed;
    } finally {
      await simulator.close();
    }
  },
});

function readFaults(list: string): FaultName[] {
  if (list === "all") return [...FAULT_NAMES];
  if (list === "none") return [];
  return list.split(",").map((word) => {
    const name = word.trim();
    const found = FAULT_NAMES.find((each) => each === name);
    if (found !== undefined) return found;
    throw new UsageError(`No fault is named "${name}". ${didYouMean(name, ["all", "none", ...FAULT_NAMES])}`);
  });
}

function some(words: readonly string[]): string {
  const shown = words.slice(0, WORDS_SHOWN).join("; ");
  return words.length > WORDS_SHOWN ? `${shown}; and ${words.length - WORDS_SHOWN} more` : shown;
}
