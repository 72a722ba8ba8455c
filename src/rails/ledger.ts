import { type Selectable, sql } from "kysely";
import { type Amounts, OWNERS, WINDOWS, type WindowName } from "../lib/windows.ts";
import { prepared } from "../store/prepared.ts";
import type { LedgerState, LedgerTable } from "../store/schema/rails.ts";
import type { Db } from "../store/schema.ts";

/** One guarded call as the ledger has it. */
export type LedgerEntry = Selectable<LedgerTable>;

/** What a call was bounded by, in every unit; it is one call. */
export function estimateOf(entry: Pick<LedgerEntry, "estimate_micros" | "estimate_tokens">): Amounts {
  return { micros: entry.estimate_micros, tokens: entry.estimate_tokens, calls: 1 };
}

/** What a call that has ended is charged; one that was given back counts as none. */
export function costOf(entry: LedgerEntry): Amounts {
  const { cost_micros, cost_tokens } = entry;
  if (cost_micros === null || cost_tokens === null) return { micros: 0, tokens: 0, calls: 0 };
  return { micros: cost_micros, tokens: cost_tokens, calls: 1 };
}

/** An entry whose call has yet to end. */
export type NewEntry = Omit<
  LedgerEntry,
  "finished_at" | "cost_micros" | "cost_tokens" | "input_tokens" | "output_tokens" | "error"
>;

/**
 * Marked as sending from the start, since nothing is done between the reservation and the first byte but their commit: a
 * crash before it has reserved nothing, and after it the first byte may have left.
 */
export const insertEntry = prepared((db, entry: NewEntry) =>
  db.insertInto("ledger").values(
    // The values are placeholders here, which only a name can be asked for.
    Object.fromEntries(ENTRY_COLUMNS.map((column) => [column, entry[column]])) as unknown as NewEntry,
  ),
);

const ENTRY_COLUMNS: readonly (keyof NewEntry)[] = [
  ...(["id", "state", "model", "created_at", "deadline_at", "estimate_micros", "estimate_tokens"] as const),
  ...WINDOWS.map(({ column }) => column),
  ...OWNERS.map(({ column }) => column),
  ...(["step", "session", "runner", "request_hash", "degraded"] as const),
];

/** The tokens of a call as they were counted; null where they were not. */
export interface TokenCounts {
  inputTokens: number | null;
  outputTokens: number | null;
}

/** How a call ended, and what it is charged. `aboveBound`: what was above its bound although the cost was not, in words. */
export type Ending =
  | ({ state: "settled"; costMicros: number; error?: string; aboveBound?: string | undefined } & TokenCounts)
  | { state: "released" | "unknown"; error: string };

/**
 * Which states an entry may be in to end in the given one. What a person has reconciled is not touched again; one that is
 * only reserved was written by an earlier version, and never sent.
 */
const ENDS_FROM: Record<Ending["state"], LedgerState[]> = {
  settled: ["sending", "unknown"],
  released: ["reserved", "sending"],
  unknown: ["sending"],
};

/** Input and output; null where they are not known, and the call is charged the tokens that bounded it. */
export function countedTokens({ inputTokens, outputTokens }: TokenCounts): number | null {
  // Every request has input: a server that counts none does not say (a cached prompt, say).
  if (inputTokens === null || inputTokens === 0 || outputTokens === null) return null;
  return inputTokens + outputTokens;
}

interface EndingValues extends TokenCounts {
  id: string;
  finishedAt: number;
  error: string | null;
  costMicros: number | null;
  tokens: number | null;
}

function updateEnded(state: Ending["state"]) {
  return prepared((db: Db, ending: EndingValues) =>
    db
      .updateTable("ledger")
      .set({
        state,
        finished_at: ending.finishedAt,
        error: ending.error,
        cost_micros: ending.costMicros,
        cost_tokens: state === "settled" ? sql`coalesce(${ending.tokens}, estimate_tokens)` : null,
        input_tokens: ending.inputTokens,
        output_tokens: ending.outputTokens,
      })
      .where("id", "=", ending.id)
      .where(
        "state",
        "in",
        ENDS_FROM[state].map((from) => sql.lit(from)),
      )
      .returningAll(),
  );
}

/** Ends an entry in one way, if it may still end so, and gives it as it then is. */
export const UPDATE_ENDED = {
  settled: updateEnded("settled"),
  released: updateEnded("released"),
  unknown: updateEnded("unknown"),
};

/** Micro-dollars that a job is charged in all its attempts: what its calls cost, and the worst case of those that may have. */
export async function chargedTo(db: Db, job: string): Promise<number> {
  const { settled, open } = await db
    .selectFrom("ledger")
    .select(({ fn }) => [
      fn.sum<number | null>("cost_micros").as("settled"),
      fn
        .sum<number | null>("estimate_micros")
        .filterWhere("state", "in", ["reserved", "sending", "unknown"])
        .as("open"),
    ])
    .where("job", "=", job)
    .executeTakeFirstOrThrow();
  return Number(settled ?? 0) + Number(open ?? 0);
}

/** What calls that are under way were bounded by in one window; `period` as its counter has it, but for an hour's. */
export async function sumUnderWay(
  db: Db,
  { window, scope, period }: { window: WindowName; scope: string; period: string },
  nowMs: number,
): Promise<Amounts> {
  let open = db
    .selectFrom("ledger")
    .select(({ fn }) => [
      fn.sum<number | null>("estimate_micros").as("micros"),
      fn.sum<number | null>("estimate_tokens").as("tokens"),
      fn.countAll<number>().as("calls"),
    ])
    .where("state", "in", ["reserved", "sending"])
    .where("deadline_at", ">=", nowMs);
  const column = WINDOWS.find(({ name }) => name === window)?.column;
  if (window !== "hour" && column !== undefined) open = open.where(column, "=", period);
  const owner = OWNERS.find(({ name }) => scope.startsWith(`${name}:`));
  if (owner !== undefined) open = open.where(owner.column, "=", scope.slice(owner.name.length + 1));
  const { micros, tokens, calls } = await open.executeTakeFirstOrThrow();
  return { micros: Number(micros ?? 0), tokens: Number(tokens ?? 0), calls: Number(calls) };
}
