import { formatUsd } from "../../lib/money.ts";
import type { Day } from "../../simulate/calendar.ts";
import type { Column } from "../output.ts";

/** The most that is said of a day in one cell; `--json` has all of it. */
const WORDS_SHOWN = 3;

/** A simulated day as a row. */
export const DAY_COLUMNS: Column<Day>[] = [
  { title: "DAY", value: ({ date }) => date },
  { title: "TICKS", value: ({ ticks }) => String(ticks), align: "right" },
  { title: "FILES", value: ({ outputs }) => String(outputs), align: "right" },
  { title: "CALLS", value: ({ requests }) => String(requests), align: "right" },
  { title: "BILLED", value: ({ billedMicros }) => formatUsd(billedMicros), align: "right" },
  {
    title: "REFUSED",
    value: ({ refused }) => some(Object.entries(refused).map(([name, count]) => `${count} ${name}`)),
  },
  { title: "WHAT WENT WRONG", value: ({ faults }) => some(faults.map(({ words }) => words)) },
  { title: "TOLD", value: ({ told }) => (told.length === 0 ? "" : String(told.length)), align: "right" },
];

function some(words: readonly string[]): string {
  const shown = words.slice(0, WORDS_SHOWN).join("; ");
  return words.length > WORDS_SHOWN ? `${shown}; and ${words.length - WORDS_SHOWN} more` : shown;
}
