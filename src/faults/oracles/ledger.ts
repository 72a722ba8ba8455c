import { checkCounters, type Entry, SELECT_ENTRIES } from "./counters.ts";
import type { Report } from "./invariant.ts";
import type { Reader } from "./reader.ts";
import { watchRows } from "./rows.ts";

/** One request as the provider bills it; the agent never sees this. */
export interface Bill {
  model: string;
  /** SHA-256 of the body, by which the agent's ledger knows it too. */
  requestHash: string;
  micros: number;
  /** Billed above anything that the request could have cost. */
  isAboveBound: boolean;
}

/** What an entry may become; from `unknown` to `settled` takes a person. */
const BECOMES: Record<Entry["state"], readonly Entry["state"][]> = {
  reserved: ["reserved", "sending", "unknown", "settled", "released"],
  sending: ["sending", "unknown", "settled", "released"],
  unknown: ["unknown"],
  settled: ["settled"],
  released: ["released"],
};

/** The ledger against the provider's own bill, and against itself as it was before. */
export function createLedgerCheck(report: Report) {
  const bills = new Map<string, Bill>();
  const reconciled = new Set<string>();
  const removed: Entry[] = [];
  const observe = watchRows<Entry>(SELECT_ENTRIES);

  function checkChange(before: Entry, now: Entry): void {
    const isReconciled = before.state === "unknown" && now.state === "settled" && reconciled.has(now.id);
    if (!BECOMES[before.state].includes(now.state) && !isReconciled)
      report("unknown", `ledger entry ${now.id} went from ${before.state} to ${now.state} by itself`);
    if (before.estimate !== now.estimate) report("unknown", `the estimate of ${now.id} was changed`);
  }

  function checkBill({ id, state, cost, estimate }: Entry): void {
    const bill = bills.get(id);
    const micros = bill?.micros ?? 0;
    if (state === "released" && micros > 0)
      report("unknown", `${id} was given back, and the provider bills ${micros} micro-dollars for it`);
    if (state === "settled" && cost !== micros && !reconciled.has(id))
      report("unknown", `${id} was settled at ${cost} micro-dollars, and the provider bills ${micros}`);
    if (state !== "settled" && micros > estimate && bill?.isAboveBound !== true)
      report(
        "cap",
        `the provider bills ${micros} micro-dollars for ${id}, of which ${estimate} are reserved`,
      );
  }

  return {
    /** Undefined as long as no request was made under the entry. */
    billOf: (entryId: string) => bills.get(entryId),
    /** A request was made under this entry. */
    billed: (entryId: string, bill: Bill) => void bills.set(entryId, bill),
    /** A person has said what an unknown call cost. */
    reconciled: (entryId: string) => void reconciled.add(entryId),
    /** `isWhole`: the counters are derived again from every entry. What was made before `oldMs` may have been rolled up. */
    check(reader: Reader, { isWhole, oldMs }: { isWhole: boolean; oldMs: number }) {
      const { rows, added, changed, gone } = observe(reader);
      for (const { before, now } of changed) checkChange(before, now);
      for (const entry of rows.values()) checkBill(entry);
      const turned = changed.filter(({ before, now }) => before.state !== now.state).map(({ now }) => now);
      for (const { id, state, estimate } of [...added, ...turned]) {
        const alert = "select 1 from alerts where key = ?";
        // Of a call that costs nothing nobody has to say what it cost.
        if (state === "unknown" && estimate > 0 && reader.one(alert, `call_unknown:${id}`) === undefined)
          report("alerts", `ledger entry ${id} is unknown, and no alert on disk says so`);
      }
      // Only what has ended, and is old by its own date, may leave the ledger.
      for (const { id, state, createdMs } of gone) {
        if ((state !== "settled" && state !== "released") || createdMs >= oldMs)
          report("unknown", `ledger entry ${id} has vanished`);
      }
      removed.push(...gone);
      if (isWhole) checkCounters(reader, [...rows.values()], removed, report);
    },
  };
}
