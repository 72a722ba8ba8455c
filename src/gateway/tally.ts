import { after } from "../lib/clock.ts";
import { messageOf } from "../lib/errors.ts";
import { peekBudgetNow } from "../rails/budget-time.ts";
import { peekPeriods } from "../rails/periods.ts";
import type { Rails } from "../rails/rails.ts";
import type { Trx } from "../store/schema.ts";

/** What a request came to that led to no call. */
export type Outcome = "refused" | "replayed" | "joined";

type Counts = Record<Outcome, number>;

/** Counts are written together this often, so that a thousand refusals in a second are one commit. */
const WRITE_MS = 1_000;

/**
 * Counts requests that led to no call, by owner and day (table `gateway_days`). Names of owners come from afk.yaml alone, so
 * that no client can make it grow. What is not written yet is lost with the process: nothing is decided by it.
 */
export function createTally(rails: Pick<Rails, "store" | "clock" | "budget" | "log">) {
  let counted = new Map<string, Counts>();
  let cancel: (() => void) | null = null;
  let writing = Promise.resolve();

  async function write(): Promise<void> {
    cancel?.();
    cancel = null;
    if (counted.size === 0) return;
    const counts = counted;
    counted = new Map();
    try {
      await rails.store.atomically((trx) => addCounts(trx, rails, counts));
    } catch (error) {
      rails.log.event("warn", "gateway_error", { error: `refusals were not counted: ${messageOf(error)}` });
    }
  }

  return {
    /** `owner` as in the table. */
    add(owner: string, outcome: Outcome): void {
      const counts = counted.get(owner) ?? { refused: 0, replayed: 0, joined: 0 };
      counts[outcome] += 1;
      counted.set(owner, counts);
      cancel ??= after(WRITE_MS, () => {
        writing = writing.then(write);
      });
    },
    /** Resolves when everything is written. */
    async close(): Promise<void> {
      await writing;
      await write();
    },
  };
}

async function addCounts(
  trx: Trx,
  { clock, budget }: Pick<Rails, "clock" | "budget">,
  counts: ReadonlyMap<string, Counts>,
): Promise<void> {
  const { day } = await peekPeriods(trx, await peekBudgetNow(trx, clock), budget.timezone);
  for (const [owner, { refused, replayed, joined }] of counts)
    await trx
      .insertInto("gateway_days")
      .values({ day, owner, refused, replayed, joined })
      .onConflict((conflict) =>
        conflict.columns(["day", "owner"]).doUpdateSet((eb) => ({
          refused: eb("gateway_days.refused", "+", refused),
          replayed: eb("gateway_days.replayed", "+", replayed),
          joined: eb("gateway_days.joined", "+", joined),
        })),
      )
      .execute();
}
