import { toIso } from "../../lib/clock.ts";
import { formatDuration } from "../../lib/duration-text.ts";
import { MINUTE_MS } from "../../lib/durations.ts";
import { peekBudgetNow } from "../../rails/budget-time.ts";
import { bad, type Examination, ok, type WithStore } from "./check.ts";

const TOLERANCE_MS = 5 * MINUTE_MS;

/** The time that caps are reckoned in never runs backwards, so after a wrong clock it stands apart from the right one. */
export const budgetClock: Examination<WithStore> = {
  group: "money",
  name: "budget clock",
  look: async ({ store, clock }) => {
    const aheadMs = (await peekBudgetNow(store.db, clock)) - clock.nowMs();
    if (Math.abs(aheadMs) <= TOLERANCE_MS) return [ok("budget clock", "agrees with the wall clock")];
    const isAhead = aheadMs > 0;
    const found = `${formatDuration(Math.abs(aheadMs))} ${isAhead ? "ahead of" : "behind"} the wall clock (${toIso(clock.nowMs())}); caps go on from there`;
    return [bad("budget clock", found, `if the wall clock is right: afk resume${isAhead ? " --clock" : ""}`)];
  },
};
