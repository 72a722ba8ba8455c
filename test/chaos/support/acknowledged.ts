/** A commit that power-work.ts was told of: whatever happens to the machine afterwards, it must be there. */
export type Acknowledged =
  | { type: "mark" }
  | { type: "job"; key: string; state: "ready" | "running" | "done" }
  | { type: "ledger"; id: string; state: "reserved" | "sending" | "settled" | "unknown" | "released" }
  | { type: "step"; jobId: string; name: string }
  | { type: "published"; name: string };
