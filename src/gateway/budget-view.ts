import { toIso } from "../lib/clock.ts";
import { usdFromMicros } from "../lib/money.ts";
import { type CapSpend, UNITS } from "../lib/windows.ts";
import { listBreakers } from "../rails/breaker.ts";
import { peekBudgetNow } from "../rails/budget-time.ts";
import { readSpends } from "../rails/counters.ts";
import { readStop } from "../rails/kill.ts";
import { endOf, peekPeriods } from "../rails/periods.ts";
import type { Rails } from "../rails/rails.ts";
import { windowsOf } from "../rails/windows.ts";
import type { CallTools } from "./call.ts";
import { breakerOf, type Caller } from "./caller.ts";
import type { ModelBook } from "./models.ts";
import type { Answer } from "./protocols/protocol.ts";

/** Where a client sees what it has left. */
export const BUDGET_PATH = "/afk/v1/budget";

/** One cap as its client sees it; amounts in dollars, tokens or calls. */
interface CapView {
  window: string;
  period: string;
  unit: CapSpend["unit"];
  /** `agent`, or whose it is: `client:laptop`. */
  scope: string;
  cap: number;
  spent: number;
  /** For calls under way, and for those of which nobody knows what they cost. */
  reserved: number;
  remaining: number;
  resetsAt: string | null;
}

/** What a caller may still spend, as JSON: its caps, the switch, its breakers, and how long a reply each model could give. */
export async function answerBudget({ rails }: CallTools, book: ModelBook, caller: Caller): Promise<Answer> {
  const [caps, kill, breakers] = await Promise.all([
    capsOf(rails, caller),
    readStop(rails),
    listBreakers(rails.store.db),
  ]);
  const models = (["openai", "anthropic", "ollama"] as const).flatMap((protocol) =>
    book.list(protocol, caller),
  );
  const names = new Set([breakerOf(caller), ...models.map(({ reference }) => `model:${reference}`)]);
  const left = caps.filter(({ unit }) => unit === "usd").map(({ remaining }) => remaining);
  const view = {
    client: caller.title,
    killed: kill === null ? null : { by: kill.by, at: toIso(kill.at), reason: kill.reason },
    remainingUsd: left.length === 0 ? null : Math.min(...left),
    caps,
    breakers: breakers
      .filter(({ name }) => names.has(name))
      .map(({ name, state }) => ({
        name,
        state: state.state,
        until: "until" in state ? toIso(state.until) : null,
      })),
    affordable: Object.fromEntries(
      models.map(({ name, reference }) => [name, affordable(book, reference, left)]),
    ),
  };
  return { status: 200, headers: { "content-type": "application/json" }, body: `${JSON.stringify(view)}\n` };
}

async function capsOf(rails: Rails, { scope }: Caller): Promise<CapView[]> {
  const { store, clock, budget } = rails;
  const nowMs = await peekBudgetNow(store.db, clock);
  const windows = windowsOf(await peekPeriods(store.db, nowMs, budget.timezone), scope, budget.budget);
  const spends = await readSpends(store.db, windows, nowMs);
  const views: CapView[] = [];
  for (const [index, { window, scope: owner, period, caps }] of windows.entries()) {
    for (const { name: unit, amount } of UNITS) {
      const [cap, spend] = [caps[amount], spends[index]?.[amount]];
      if (cap === undefined || spend === undefined) continue;
      const shown = (value: number) => (unit === "usd" ? usdFromMicros(value) : value);
      const endsAt = await endOf(store.db, window);
      views.push({
        window,
        period,
        unit,
        scope: owner,
        cap: shown(cap),
        spent: shown(spend.settled),
        reserved: shown(spend.reserved),
        remaining: shown(Math.max(0, cap - spend.settled - spend.reserved)),
        resetsAt: endsAt === null ? null : toIso(endsAt),
      });
    }
  }
  return views;
}

/** The tokens of output that the money left would pay for, for a short request; null for a model that costs nothing. */
function affordable(book: ModelBook, reference: string, leftUsd: readonly number[]): number | null {
  const price = book.priceOf(reference);
  if (price === null || price.output === 0 || leftUsd.length === 0) return null;
  return Math.floor((Math.min(...leftUsd) * 1_000_000) / price.output);
}
