import { HOUR_MS } from "../lib/durations.ts";
import type { Db } from "../store/schema.ts";
import { sumLedger } from "./ledger.ts";

/** What the calls of one model came to. Money in micro-dollars. */
export interface ModelHour {
  /** The reference; `other` for all that are not among the first. */
  model: string;
  calls: number;
  settledMicros: number;
}

/** A client can name any model of a server that costs nothing. */
const MODELS_MAX = 20;
const READ_MAX = 1_000;

/** The calls that were made in the last 60 minutes by model: those that cost most by name, the others in one. */
export async function readModelHour(db: Db, nowMs: number): Promise<ModelHour[]> {
  const { rows } = await sumLedger(db, "model", { sinceMs: nowMs - HOUR_MS, limit: READ_MAX });
  const named = rows.map(({ name, calls, settledMicros }) => ({ model: name ?? "", calls, settledMicros }));
  const first = named.slice(0, MODELS_MAX);
  const rest = named.slice(MODELS_MAX);
  if (rest.length === 0) return first;
  const sum = (of: "calls" | "settledMicros") => rest.reduce((total, each) => total + each[of], 0);
  return [...first, { model: "other", calls: sum("calls"), settledMicros: sum("settledMicros") }];
}
