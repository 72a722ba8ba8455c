import { type Amounts, type CapSpend, FLEET } from "../lib/windows.ts";
import type { Trx } from "../store/schema.ts";
import { sumUnderWay } from "./ledger.ts";

/** A cap in money, and what is left under it. */
export interface Tightest extends CapSpend {
  leftMicros: number;
}

export function hasRoom({ cap, spent, amount }: CapSpend, estimate: Amounts): boolean {
  return cap > 0 && spent + estimate[amount] <= cap;
}

export function leastMicros(spends: readonly CapSpend[]): Tightest | null {
  const left = spends
    .filter(({ amount }) => amount === "micros")
    .map((spend) => ({ ...spend, leftMicros: Math.max(0, spend.cap - spend.spent) }));
  return left.reduce<Tightest | null>((a, b) => (a === null || b.leftMicros < a.leftMicros ? b : a), null);
}

/** Whether every window would have room if what is under way turned out to cost nothing. */
export async function fitsOnceSettled(
  trx: Trx,
  before: readonly CapSpend[],
  estimate: Amounts,
  times: { budgetMs: number; wallMs: number },
): Promise<boolean> {
  for (const spend of before.filter((each) => !hasRoom(each, estimate))) {
    // What other agents have under way is theirs to know.
    if (spend.scope === FLEET) return false;
    const underWay = await sumUnderWay(trx, spend, times.wallMs);
    if (!hasRoom({ ...spend, spent: spend.spent - underWay[spend.amount] }, estimate)) return false;
  }
  return true;
}
