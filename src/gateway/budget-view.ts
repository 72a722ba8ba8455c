import { sql } from "kysely";
import { toIso } from "../lib/clock.ts";
import { MINUTE_MS } from "../lib/durations.ts";
import { usdFromMicros } from "../lib/money.ts";
import { AGENT, type Amounts, type CapSpend, OWNERS, UNITS, WINDOWS } from "../lib/windows.ts";
import type { Price } from "../providers/types.ts";
import { readBreaker } from "../rails/breaker.ts";
import { shownPeriod } from "../rails/budget-notices.ts";
import { peekBudgetNow } from "../rails/budget-time.ts";
import { readSpends } from "../rails/counters.ts";
import { fleetCapSpend, peekFleetSpend } from "../rails/fleet-cap.ts";
import { windowsWithGrants } from "../rails/granted.ts";
import { readStop } from "../rails/kill.ts";
import { endOf, peekEnds, peekPeriods } from "../rails/periods.ts";
import type { Rails } from "../rails/rails.ts";
import { type Counter, HOUR_MINUTES, minuteAt } from "../rails/windows.ts";
import type { Db } from "../store/schema.ts";
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
  /** `agent`, or whose it is: `client:laptop`; `fleet` of all agents of a database. */
  scope: string;
  /** Of a run with what a person has granted it. */
  cap: number;
  spent: number;
  /** For calls under way. */
  reserved: number;
  /** What calls are charged of which nobody knows what they cost, until the owner says it. */
  unknown: number;
  remaining: number;
  resetsAt: string | null;
}

/**
 * What a caller may still spend, as JSON: its caps, the switch, its breakers, and how long a reply each model could give.
 * What it says is of one moment, and no promise: others spend under the same caps.
 */
export async function answerBudget({ rails }: CallTools, book: ModelBook, caller: Caller): Promise<Answer> {
  const [caps, kill] = await Promise.all([capsOf(rails, caller), readStop(rails)]);
  const models = (["openai", "anthropic", "ollama"] as const).flatMap((protocol) =>
    book.list(protocol, caller),
  );
  const names = new Set([breakerOf(caller), ...models.map(({ reference }) => `model:${reference}`)]);
  const left = (wanted: CapView["unit"]) =>
    caps.filter(({ unit }) => unit === wanted).map(({ remaining }) => remaining);
  const usd = left("usd");
  // It refuses even what costs nothing.
  const isClosed = caps.some(({ cap }) => cap === 0);
  const view = {
    client: caller.scope.client ?? null,
    job: caller.scope.jobName ?? null,
    killed: kill === null ? null : { by: kill.by, at: toIso(kill.at), reason: kill.reason },
    remainingUsd: usd.length === 0 ? null : Math.min(...usd),
    caps,
    breakers: await breakersOf(rails, [...names]),
    affordable: Object.fromEntries(
      models.map(({ name, reference }) => [
        name,
        isClosed
          ? 0
          : affordable(book.priceOf(reference), { usd, tokens: left("tokens"), calls: left("calls") }),
      ]),
    ),
  };
  return { status: 200, headers: { "content-type": "application/json" }, body: `${JSON.stringify(view)}\n` };
}

/** Those that are not closed. */
async function breakersOf({ store }: Rails, names: readonly string[]) {
  const found = await Promise.all(
    names.map(async (name) => ({ name, state: await readBreaker(store.db, name) })),
  );
  return found
    .filter(({ state }) => state.state !== "closed")
    .map(({ name, state }) => ({
      name,
      state: state.state,
      until: "until" in state ? toIso(state.until) : null,
      reason: "reason" in state ? state.reason : null,
    }));
}

async function capsOf(rails: Rails, { scope }: Caller): Promise<CapView[]> {
  const { store, clock, budget } = rails;
  const nowMs = await peekBudgetNow(store.db, clock);
  const periods = await peekPeriods(store.db, nowMs, budget.timezone);
  const held = await windowsWithGrants(store.db, periods, scope, budget.budget, nowMs);
  const windows = held.windows.filter(({ caps }) => Object.keys(caps).length > 0);
  const [spends, lost, ends] = await Promise.all([
    readSpends(store.db, windows, nowMs),
    unknownCalls(store.db),
    peekEnds(store.db, nowMs, budget.timezone),
  ]);
  const views: CapView[] = [];
  for (const [index, window] of windows.entries()) {
    const endsAt = ends.get(window.window);
    const unknown = unknownIn(window, lost, nowMs);
    for (const { name: unit, amount } of UNITS) {
      const [cap, spend] = [window.caps[amount], spends[index]?.[amount]];
      if (cap === undefined || spend === undefined) continue;
      const shown = (value: number) => (unit === "usd" ? usdFromMicros(value) : value);
      views.push({
        window: window.window,
        period: shownPeriod(window),
        unit,
        scope: window.scope,
        cap: shown(cap),
        spent: shown(spend.settled),
        reserved: shown(spend.reserved - unknown[amount]),
        unknown: shown(unknown[amount]),
        remaining: shown(Math.max(0, cap - spend.settled - spend.reserved)),
        // An hour is no period with an end: what was spent in it leaves it minute by minute.
        resetsAt: endsAt === undefined ? null : toIso(endsAt),
      });
    }
  }
  return [...views, ...(await fleetCap(rails))];
}

/** The cap over all agents of the database. What others are charged for unknown calls is reserved here: theirs to know. */
async function fleetCap({ store, clock, budget: { fleet = null } }: Rails): Promise<CapView[]> {
  const spend = fleet === null ? null : await peekFleetSpend(store.db, clock.nowMs());
  if (fleet === null || spend === null) return [];
  const cap = fleetCapSpend(fleet, { ...spend, spent: spend.settled + spend.reserved });
  const endsAt = await endOf(store.db, cap);
  return [
    {
      ...{ window: cap.window, scope: cap.scope, period: cap.period, unit: cap.unit },
      cap: usdFromMicros(cap.cap),
      spent: usdFromMicros(spend.settled),
      reserved: usdFromMicros(spend.reserved),
      unknown: 0,
      remaining: usdFromMicros(Math.max(0, cap.cap - cap.spent)),
      resetsAt: endsAt === null ? null : toIso(endsAt),
    },
  ];
}

type UnknownCalls = Awaited<ReturnType<typeof unknownCalls>>;

/** Each waits for a person, so they are few; the index of open calls finds them. */
async function unknownCalls(db: Db) {
  return await db
    .selectFrom("ledger")
    .select(["estimate_micros", "estimate_tokens"])
    .select(WINDOWS.map(({ column }) => column))
    .select(OWNERS.map(({ column }) => column))
    .where(sql<boolean>`state in ('reserved', 'sending', 'unknown')`)
    .where("state", "=", "unknown")
    .limit(UNKNOWN_MAX)
    .execute();
}

const UNKNOWN_MAX = 10_000;

function unknownIn({ window, scope, period }: Counter, calls: UnknownCalls, nowMs: number): Amounts {
  const column = WINDOWS.find(({ name }) => name === window)?.column ?? "day";
  const [ownerName = "", owner = ""] = scope === AGENT ? [] : splitOnce(scope, ":");
  const ownerColumn = OWNERS.find(({ name }) => name === ownerName)?.column;
  const from = minuteAt(nowMs - HOUR_MINUTES * MINUTE_MS);
  const those = calls.filter((call) => {
    if (ownerColumn !== undefined && call[ownerColumn] !== owner) return false;
    const at = call[column] ?? "";
    return window === "hour" ? at >= from : at === period;
  });
  const sum = (value: (call: UnknownCalls[number]) => number) =>
    those.reduce((total, call) => total + value(call), 0);
  return {
    micros: sum((call) => call.estimate_micros),
    tokens: sum((call) => call.estimate_tokens),
    calls: those.length,
  };
}

function splitOnce(text: string, at: string): [string, string] {
  const index = text.indexOf(at);
  return [text.slice(0, index), text.slice(index + 1)];
}

/**
 * The tokens of output that what is left would pay for, at the dearest rate that the model can be billed at, for a request of
 * no length; null where no cap bounds it.
 */
function affordable(
  price: Price | null,
  left: { usd: readonly number[]; tokens: readonly number[]; calls: readonly number[] },
): number | null {
  if (left.calls.some((calls) => calls < 1)) return 0;
  const most = [...left.tokens];
  const rate = price === null ? 0 : dearestOutput(price);
  if (rate > 0) most.push(...left.usd.map((usd) => Math.floor((usd * 1_000_000) / rate)));
  return most.length === 0 ? null : Math.min(...most);
}

/** In USD per million tokens: of the dearest step, kept in one region where that is sold. */
function dearestOutput({ output, steps = [], regionalFactor = 1 }: Price): number {
  return Math.max(output, ...steps.map((step) => step.output)) * Math.max(1, regionalFactor);
}
