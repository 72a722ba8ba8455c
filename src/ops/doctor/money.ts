import { toIso } from "../../lib/clock.ts";
import { formatDuration } from "../../lib/duration-text.ts";
import { MINUTE_MS } from "../../lib/durations.ts";
import { PRICES_DATE } from "../../providers/prices.ts";
import { listBreakers } from "../../rails/breaker.ts";
import { peekBudgetNow } from "../../rails/budget-time.ts";
import { clockAgrees, countersAgree } from "../counters.ts";
import { bad, type Found, ok, type WithStore } from "./check.ts";

/** An unpriced model has been refused with the configuration; what can still be wrong is the age of the snapshot. */
export function prices(): Found {
  return ok(`known for every model of the chain (snapshot of ${PRICES_DATE})`);
}

const SHOWN_MAX = 3;

/** Whether the counters agree with the ledger. */
export async function counters({ store, clock }: WithStore): Promise<Found> {
  const differences = [...(await countersAgree(store.db)), ...(await clockAgrees(store.db, clock.nowMs()))];
  if (differences.length === 0) return ok("agree with the ledger");
  const more = differences.length > SHOWN_MAX ? `; and ${differences.length - SHOWN_MAX} more` : "";
  return bad(
    `${differences.slice(0, SHOWN_MAX).join("; ")}${more}`,
    "afk stop, then restore a backup (afk restore FILE); spend may be miscounted until then",
  );
}

const TOLERANCE_MS = 5 * MINUTE_MS;

/** The time that caps are reckoned in never runs backwards, so after a wrong clock it stands apart from the right one. */
export async function budgetClock({ store, clock }: WithStore): Promise<Found> {
  const aheadMs = (await peekBudgetNow(store.db, clock)) - clock.nowMs();
  if (Math.abs(aheadMs) <= TOLERANCE_MS) return ok("agrees with the wall clock");
  const isAhead = aheadMs > 0;
  const found = `${formatDuration(Math.abs(aheadMs))} ${isAhead ? "ahead of" : "behind"} the wall clock (${toIso(clock.nowMs())}); caps go on from there`;
  return bad(found, `if the wall clock is right: afk resume${isAhead ? " --clock" : ""}`);
}

/** One that is open heals by itself; one that is blocked waits for a person. */
export async function breakers({ store }: WithStore): Promise<Found> {
  const findings = (await listBreakers(store.db)).flatMap(({ name, state }) =>
    state.state === "blocked"
      ? bad(
          `${name} is refused: ${state.reason}`,
          "correct models.prices, or take it out of models.chain; then afk resume",
        )
      : [],
  );
  return findings.length > 0 ? findings : ok("none waits for a person");
}
