import { noteNeed } from "../alerts/outbox.ts";
import { assert } from "../lib/errors.ts";
import { newId } from "../lib/ids.ts";
import { type CapSpend, type Periods, type Scope, UNITS } from "../lib/windows.ts";
import type { OpenPeriodsTable } from "../store/schema/rails.ts";
import type { Trx } from "../store/schema.ts";
import { rememberCommit } from "../store/store.ts";
import {
  type CapRefusal,
  capHit,
  overrun,
  shownPeriod,
  thresholdOf,
  thresholdsCrossed,
  unknownCall,
} from "./budget-notices.ts";
import { addReserved, readSpends, replaceReserved } from "./counters.ts";
import { addToFleet, fleetCapSpend, peekFleetSpend, readFleetSpend, settleInFleet } from "./fleet-cap.ts";
import { offerOf, windowsWithGrants } from "./granted.ts";
import {
  costOf,
  countedTokens,
  type Ending,
  estimateOf,
  insertEntry,
  type NewEntry,
  UPDATE_ENDED,
} from "./ledger.ts";
import type { JobClaim } from "./machine.ts";
import { openPeriods } from "./periods.ts";
import type { Rails } from "./rails.ts";
import { fitsOnceSettled, hasRoom, leastMicros, type Tightest } from "./room.ts";
import { isCapped, ownerColumns, scopeOf, type Window, windowsOf } from "./windows.ts";

/** What a call is reserved under, and what the ledger keeps about it. */
export interface Reservation {
  model: string;
  /** The most that the call can cost, and the most tokens of input and output that it can take; 0 where it takes none. */
  estimateMicros: number;
  estimateTokens: number;
  deadlineMs: number;
  scope: Scope;
  step: string | null;
  /** What a client calls the conversation, for reports alone. */
  session?: string | null;
  runner: string | null;
  /** The job's claim, where it is made for a job's run: in a fleet a run that has lost it buys nothing. */
  claim?: JobClaim | null | undefined;
  requestHash: string | null;
  isDegraded: boolean;
  /** Whoever asks can wait for calls under way: a refusal that their settlement may lift is no alert. */
  mayWait?: boolean;
}

/** A reservation on disk. */
export interface Reserved {
  entryId: string;
  /** Whether a window would be at a warning threshold if the call took its worst case. */
  isNearThreshold: boolean;
  /** The window with the least money left, after this reservation; null where no cap in money applies. */
  tightest: Tightest | null;
}

/**
 * Takes the worst case from every window and writes the ledger entry, or refuses and changes nothing but the alert and the
 * open periods. It never shrinks a reservation to fit. A cap of 0 refuses even what costs nothing, so that the rail can be
 * proved for nothing. `open` is what this section has read already (periods.ts).
 */
export async function reserve(
  trx: Trx,
  { outbox, budget: { budget, timezone, fleet = null } }: BudgetRails,
  call: Reservation,
  times: { budgetMs: number; wallMs: number },
  open?: readonly OpenPeriodsTable[],
): Promise<Reserved | { refusal: CapRefusal }> {
  const periods = await openPeriods(trx, times.budgetMs, timezone, open);
  const { windows, grants } = await windowsWithGrants(trx, periods, call.scope, budget, times.budgetMs);
  const estimate = estimateOf({ estimate_micros: call.estimateMicros, estimate_tokens: call.estimateTokens });
  const own = await spends(trx, windows, times.budgetMs);
  // Last, since all other agents wait for it until this section is over.
  const isRefused = own.some((spend) => !hasRoom(spend, estimate));
  const shared = fleet === null || isRefused ? null : await readFleetSpend(trx, fleet, times.wallMs);
  const before = shared === null ? own : [...own, shared];
  const refusing = before.filter((spend) => !hasRoom(spend, estimate));
  const [full] = refusing;
  if (full !== undefined) {
    const asked = { estimate: estimate[full.amount], scope: call.scope, minute: periods.minute };
    const refusal = {
      ...full,
      estimate: asked.estimate,
      offer: offerOf(refusing, asked, { budget, grants }),
      fitsLater: call.mayWait === true && (await fitsOnceSettled(trx, before, estimate, times)),
      roomMicros: leastMicros(before)?.leftMicros ?? null,
    };
    // A client of the gateway may go on asking as fast as it can: its refusals are logged by the gateway, and not each.
    const repeats = call.mayWait === true ? "quiet" : "logged";
    if (!refusal.fitsLater) {
      const notice = capHit(refusal, call.scope);
      await outbox.announce(trx, notice, repeats);
      await noteNeed(trx, notice);
    }
    return { refusal };
  }
  const entryId = await take(trx, { periods, windows }, call, times.wallMs);
  if (fleet !== null && shared !== null)
    await addToFleet(trx, fleet, { id: entryId, day: shared.period, micros: call.estimateMicros });
  const lowest = Math.min(...budget.warningThresholds);
  const isNearThreshold = before.some(
    (spend) => spend.spent + estimate[spend.amount] >= thresholdOf(lowest, spend.cap),
  );
  const least = leastMicros(before);
  const tightest =
    least === null
      ? null
      : {
          ...least,
          spent: least.spent + estimate.micros,
          leftMicros: Math.max(0, least.leftMicros - estimate.micros),
        };
  return { entryId, isNearThreshold, tightest };
}

/** Takes the worst case from the windows and writes the entry, whether they have room for it or not; gives the entry's id. */
async function take(
  trx: Trx,
  { periods, windows }: { periods: Periods; windows: Window[] },
  call: Reservation,
  wallMs: number,
): Promise<string> {
  const id = newId(wallMs);
  const estimate = { micros: call.estimateMicros, tokens: call.estimateTokens, calls: 1 };
  const entry: NewEntry = {
    id,
    state: "sending",
    model: call.model,
    created_at: wallMs,
    deadline_at: wallMs + call.deadlineMs,
    estimate_micros: call.estimateMicros,
    estimate_tokens: call.estimateTokens,
    ...periods,
    tick: call.scope.tick,
    job: call.scope.job,
    ...ownerColumns(call.scope),
    step: call.step,
    session: call.session ?? null,
    runner: call.runner,
    request_hash: call.requestHash,
    degraded: call.isDegraded ? 1 : 0,
  };
  rememberCommit(trx);
  await Promise.all([addReserved(trx, windows, estimate), insertEntry(trx, entry)]);
  return id;
}

/**
 * Reserves for what has been spent already: where the caps have no room for all of it (which is announced as for any call),
 * the room that there is. Gives the entry's id.
 */
export async function reserveSpent(
  trx: Trx,
  rails: BudgetRails,
  call: Reservation,
  times: { budgetMs: number; wallMs: number },
): Promise<string> {
  const reserved = await reserve(trx, rails, call, times);
  if ("entryId" in reserved) return reserved.entryId;
  const periods = await openPeriods(trx, times.budgetMs, rails.budget.timezone);
  const { windows } = await windowsWithGrants(trx, periods, call.scope, rails.budget.budget, times.budgetMs);
  const estimateMicros = Math.min(reserved.refusal.roomMicros ?? 0, call.estimateMicros);
  const id = await take(trx, { periods, windows }, { ...call, estimateMicros }, times.wallMs);
  const { fleet } = rails.budget;
  if (fleet != null) {
    const { period: day } = await readFleetSpend(trx, fleet, times.wallMs);
    await addToFleet(trx, fleet, { id, day, micros: estimateMicros });
  }
  return id;
}

type BudgetRails = Pick<Rails, "outbox" | "budget">;

/**
 * Ends a call: its cost replaces the reservation (settled), the reservation is given back (released), or it stays
 * charged at its worst case (unknown). False when the entry was not under way any more; then nothing changed.
 * `budgetMs` is null when no warning threshold is to be looked at.
 */
export async function finish(
  trx: Trx,
  { outbox, clock, budget: { budget, fleet = null } }: BudgetRails & Pick<Rails, "clock">,
  entryId: string,
  ending: Ending,
  budgetMs: number | null,
): Promise<boolean> {
  const settled = ending.state === "settled" ? ending : null;
  const { rows } = await UPDATE_ENDED[ending.state](trx, {
    id: entryId,
    finishedAt: clock.nowMs(),
    error: ending.error?.slice(0, 2_000) ?? null,
    costMicros: settled?.costMicros ?? null,
    tokens: settled === null ? null : countedTokens(settled),
    inputTokens: settled?.inputTokens ?? null,
    outputTokens: settled?.outputTokens ?? null,
  });
  const [entry] = rows;
  if (entry === undefined) return false;
  const windows = windowsOf(entry, scopeOf(entry), budget);
  if (ending.state === "unknown") {
    // What a call of a model that costs nothing has cost is known, but for its tokens.
    const isOpen = entry.estimate_micros > 0 || isCapped(budget, "tokens");
    if (isOpen) await outbox.announce(trx, unknownCall(entry, ending.error));
  } else {
    const cost = costOf(entry);
    await replaceReserved(trx, windows, estimateOf(entry), cost);
    if (fleet !== null) await settleInFleet(trx, fleet, { id: entryId, costMicros: cost.micros });
  }
  if (settled !== null && (settled.costMicros > entry.estimate_micros || settled.aboveBound !== undefined))
    await outbox.announce(trx, overrun(entry, settled.costMicros, settled.aboveBound));
  if (ending.state !== "released" && budgetMs !== null) {
    const held = await windowsWithGrants(trx, entry, scopeOf(entry), budget, budgetMs);
    const own = await spends(trx, held.windows, budgetMs);
    // Without the lock: whoever reserves above a threshold after this looks in its turn.
    const shared = fleet === null ? null : await peekFleetSpend(trx, clock.nowMs());
    const all =
      fleet === null || shared === null
        ? own
        : [...own, fleetCapSpend(fleet, { ...shared, spent: shared.settled + shared.reserved })];
    for (const spend of all)
      for (const notice of thresholdsCrossed(spend, budget.warningThresholds))
        await outbox.announce(trx, notice, "quiet");
  }
  return true;
}

/** What is spent under each cap that there is, the narrowest window first. */
async function spends(trx: Trx, windows: Window[], nowMs: number): Promise<CapSpend[]> {
  const capped = windows.filter(({ caps }) => Object.keys(caps).length > 0);
  const sums = await readSpends(trx, capped, nowMs);
  return capped.flatMap((counter, index) =>
    UNITS.flatMap(({ name: unit, amount }) => {
      const [cap, sum] = [counter.caps[amount], sums[index]?.[amount]];
      if (cap === undefined) return [];
      assert(sum !== undefined, "a window without its sum");
      const { window, scope } = counter;
      const spent = sum.settled + sum.reserved;
      return [{ window, scope, period: shownPeriod(counter), unit, amount, cap, spent }];
    }),
  );
}
