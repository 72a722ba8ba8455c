import { PRICES_DATE } from "../../providers/prices.ts";
import { clockAgrees, countersAgree } from "../counters.ts";
import { bad, type Found, ok, type WithStore } from "./check.ts";
import { findingsOf } from "./condition.ts";

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

/** The time that caps are reckoned in never runs backwards, so after a wrong clock it stands apart from the right one. */
export async function budgetClock(subject: WithStore): Promise<Found> {
  const found = await findingsOf(subject, ["clock_apart"]);
  if (found.length === 0) return ok("agrees with the wall clock");
  return found.map((each) => ({ ...each, mend: `if the wall clock is right: ${each.mend}` }));
}

/** One that is open heals by itself; one that is blocked waits for a person. */
export async function breakers(subject: WithStore): Promise<Found> {
  const found = await findingsOf(subject, ["breaker_blocked", "breaker_open"]);
  if (found.length === 0) return ok("none is open, and none waits for a person");
  return found.map((each) => (each.code === "breaker_blocked" ? { ...each, mend: MEND_BLOCKED } : each));
}

const MEND_BLOCKED = "correct models.prices, or take it out of models.chain; then afk resume";
