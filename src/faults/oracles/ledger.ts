import { checkCounters, type Entry } from "./counters.ts";
import type { Report } from "./invariant.ts";
import type { Reader } from "./reader.ts";

/** One request as the provider bills it; the agent never sees this. */
export interface Bill {
  model: string;
  /** SHA-256 of the body, by which the agent's ledger knows it too. */
  requestHash: string;
  micros: number;
  /** Billed above anything that the request could have cost. */
  isAboveBound: boolean;
}

const SELECT = `select rowid, id, state, estimate_micros as estimate, cost_micros as cost, created_at as createdMs,
  tick, job, minute, day, month from ledger`;

/** What an entry may become; to become `settled` after `unknown` takes a person's word. */
const BECOMES: Record<Entry["state"], readonly Entry["state"][]> = {
  reserved: ["reserved", "sending", "unknown", "settled", "released"],
  sending: ["sending", "unknown", "settled", "released"],
  unknown: ["unknown"],
  settled: ["settled"],
  released: ["released"],
};

/** The ledger against the provider's own bill, step by step, and against a copy of its own. */
export interface LedgerCheck {
  /** A request was made under this entry. */
  billed(entryId: string, bill: Bill): void;
  isBilled(entryId: string): boolean;
  billOf(entryId: string): Bill | undefined;
  /** A person has said what an unknown call cost. */
  reconciled(entryId: string): void;
  /**
   * `isWhole`: the counters are derived again from every entry. What was made before `oldMs` may have been rolled up.
   */
  check(reader: Reader, report: Report, how: { isWhole: boolean; oldMs: number }): void;
}

export function createLedgerCheck(): LedgerCheck {
  const bills = new Map<string, Bill>();
  const entries = new Map<string, Entry>();
  const gone = new Set<string>();
  const open = new Set<string>();
  const reconciled = new Set<string>();
  let lastRow = 0;

  function checkEntry(reader: Reader, entry: Entry, report: Report): void {
    const before = entries.get(entry.id);
    if (before !== undefined) {
      const isToldOf = before.state === "unknown" && entry.state === "settled" && reconciled.has(entry.id);
      if (!BECOMES[before.state].includes(entry.state) && !isToldOf)
        report("unknown", `ledger entry ${entry.id} went from ${before.state} to ${entry.state} by itself`);
      if (before.estimate !== entry.estimate) report("unknown", `the estimate of ${entry.id} was changed`);
    }
    checkBill(entry, report);
    const isNewlyUnknown = entry.state === "unknown" && before?.state !== "unknown";
    if (
      isNewlyUnknown &&
      reader.one("select 1 from alerts where key = ?", `call_unknown:${entry.id}`) === undefined
    )
      report("alerts", `ledger entry ${entry.id} is unknown, and no alert on disk says so`);
    entries.set(entry.id, entry);
    if (entry.state === "settled" || entry.state === "released") open.delete(entry.id);
    else open.add(entry.id);
  }

  function checkBill({ id, state, cost, estimate }: Entry, report: Report): void {
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

  /** Only what has ended, and is old by its own date, may leave the ledger. */
  function checkGone(reader: Reader, oldMs: number, report: Report): void {
    const { count } = reader.one<{ count: number }>("select count(*) as count from ledger") ?? { count: 0 };
    if (count === entries.size - gone.size) return;
    const there = new Set(reader.all<{ id: string }>("select id from ledger").map(({ id }) => id));
    for (const [id, { createdMs }] of entries) {
      if (there.has(id) || gone.has(id)) continue;
      if (open.has(id) || createdMs >= oldMs) report("unknown", `ledger entry ${id} has vanished`);
      gone.add(id);
    }
  }

  return {
    isBilled: (entryId) => bills.has(entryId),
    billOf: (entryId) => bills.get(entryId),
    billed: (entryId, bill) => void bills.set(entryId, bill),
    reconciled: (entryId) => void reconciled.add(entryId),
    check(reader, report, { isWhole, oldMs }) {
      for (const id of [...open]) {
        const entry = reader.one<Entry>(`${SELECT} where id = ?`, id);
        if (entry === undefined) report("unknown", `ledger entry ${id} has vanished`);
        else checkEntry(reader, entry, report);
      }
      for (const entry of reader.all<Entry>(`${SELECT} where rowid > ? order by rowid`, lastRow)) {
        lastRow = entry.rowid;
        checkEntry(reader, entry, report);
      }
      checkGone(reader, oldMs, report);
      if (isWhole) checkCounters(reader, entries, gone, report);
    },
  };
}
