import { type Periods, WINDOWS } from "../../lib/windows.ts";
import type { Report } from "./invariant.ts";
import type { Reader } from "./reader.ts";

/** An entry of the ledger as it is read from the database. Money in micro-dollars. */
export interface Entry extends Periods {
  tick: string | null;
  job: string | null;
  id: string;
  state: "reserved" | "sending" | "unknown" | "settled" | "released";
  estimate: number;
  cost: number | null;
  createdMs: number;
}

/** The columns of `Entry`. */
export const SELECT_ENTRIES = `select id, state, estimate_micros as estimate, cost_micros as cost, created_at as createdMs,
  ${WINDOWS.map(({ column }) => column).join(", ")} from ledger`;

interface Charged {
  settled: number;
  reserved: number;
}

const NOTHING: Charged = { settled: 0, reserved: 0 };

/** Checks every window's counter against the sum of its entries, which are added up here and not by the database. */
export function checkCounters(
  reader: Reader,
  entries: readonly Entry[],
  removed: readonly Entry[],
  report: Report,
): void {
  for (const { name: window, column, ...more } of WINDOWS) {
    // Windows of the calendar keep what has left the ledger since, the others do not.
    const keeps = "calendar" in more;
    const sums = new Map<string, Charged>();
    for (const entry of keeps ? [...entries, ...removed] : entries) {
      const period = entry[column];
      if (period === null) continue;
      const sum = sums.get(period) ?? { ...NOTHING };
      if (entry.state === "settled") sum.settled += entry.cost ?? 0;
      else if (entry.state !== "released") sum.reserved += entry.estimate;
      sums.set(period, sum);
    }
    const counters = reader.all<Charged & { period: string }>(
      `select period, settled_micros as settled, reserved_micros as reserved from budget_windows where "window" = ? and scope = 'agent'`,
      window,
    );
    const counted = new Map(counters.map((counter) => [counter.period, counter]));
    for (const period of new Set([...sums.keys(), ...counted.keys()])) {
      const text = ({ settled, reserved }: Charged = NOTHING) => `${settled} + ${reserved}`;
      const [ours, theirs] = [text(sums.get(period)), text(counted.get(period))];
      if (ours !== theirs)
        report("cap", `the counter of ${window} ${period} says ${theirs} micro-dollars, the ledger ${ours}`);
    }
  }
}
