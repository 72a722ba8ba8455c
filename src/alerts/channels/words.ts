import { dayInWords } from "../../lib/days.ts";
import { AGENT, ownerWords, WINDOWS } from "../../lib/windows.ts";
import type { AlertPayload } from "../events.ts";

/**
 * Whose cap it is, before the word cap: `the day's`, `the week's token`, `client laptop's daily`, `all agents' daily`. Of an alert that is about
 * no cap, the day, week or month that it is about.
 */
export function periodWords({ window, period = "", scope = AGENT, unit = "usd" }: AlertPayload): string {
  const found = WINDOWS.find(({ name }) => name === window);
  if (found === undefined) return spanWords(period);
  const owner = ownerWords(scope);
  const whose =
    owner === null
      ? `the ${windowWord(found.name)}'s`
      : `${owner}'${owner.endsWith("s") ? "" : "s"} ${found.key}`;
  return unit === "usd" ? whose : `${whose} ${unit.replace(/s$/, "")}`;
}

/** What people call a window: a run of a job is a run. */
export function windowWord(window: string): string {
  return window === "job" ? "run" : window;
}

function spanWords(period: string): string {
  const [, week] = /^\d{4}-W(\d\d)$/.exec(period) ?? [];
  if (week !== undefined) return `week ${Number(week)}`;
  return /^\d{4}-\d\d-\d\d$/.test(period) ? dayInWords(period) : period;
}
