import type { JobContext } from "../job.ts";
import { dateIn } from "./document.ts";

const DAY_MS = 86_400_000;
/** How far back a failure is looked for when its source works again. */
const DAYS_BACK = 7;

export interface SourceState {
  id: string;
  label: string;
  hasFailed: boolean;
}

/**
 * What the memory of the job says of failing sources. It can only add keys, so there is one for each source and day it
 * failed, and one for each day its recovery was told of.
 * @returns `isNews` when a source fails that has not been told of today; `keys` to remember when the job is done.
 */
export async function reviewOutages(
  context: Pick<JobContext, "isSeen" | "log" | "period" | "timezone">,
  sources: SourceState[],
): Promise<{ isNews: boolean; keys: string[] }> {
  const days = Array.from({ length: DAYS_BACK }, (_, back) =>
    dateIn(context.timezone, context.period.slotMs - back * DAY_MS),
  );
  const seen = await context.isSeen(
    sources.flatMap(({ id }) => days.flatMap((day) => [failedKey(id, day), recoveredKey(id, day)])),
  );
  const today = days[0] ?? "";
  const keys: string[] = [];
  let isNews = false;
  for (const { id, label, hasFailed } of sources) {
    if (hasFailed) {
      if (seen.has(failedKey(id, today))) continue;
      isNews = true;
      keys.push(failedKey(id, today));
    } else if (isRecovery(id, days, seen)) {
      context.log.event("info", "source_recovered", { source: label });
      keys.push(recoveredKey(id, today));
    }
  }
  return { isNews, keys };
}

/** Days are newest first: a failure counts unless a recovery was told of on that day or later. */
function isRecovery(id: string, days: string[], seen: ReadonlySet<string>): boolean {
  const failed = days.findIndex((day) => seen.has(failedKey(id, day)));
  return failed !== -1 && !days.slice(0, failed + 1).some((day) => seen.has(recoveredKey(id, day)));
}

function failedKey(id: string, day: string): string {
  return `failed:${id}:${day}`;
}

function recoveredKey(id: string, day: string): string {
  return `recovered:${id}:${day}`;
}
