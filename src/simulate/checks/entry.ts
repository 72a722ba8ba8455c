/** An entry of the ledger as it is read from the books. Money in micro-dollars. */
export interface Entry {
  rowid: number;
  id: string;
  state: "reserved" | "sending" | "unknown" | "settled" | "released";
  estimate: number;
  cost: number | null;
  createdMs: number;
  tick: string | null;
  job: string | null;
  minute: string;
  day: string;
  month: string;
}
