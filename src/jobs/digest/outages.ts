import type { JobContext, SourceReport } from "../job.ts";
import { dateIn } from "./document.ts";

/**
 * Sources that fail and that no digest has named today: a failure alone is worth a digest once a day.
 * @returns `isNews` when there is one; `keys` to remember when the job is done.
 */
export async function reviewOutages(
  context: Pick<JobContext, "isSeen" | "period" | "timezone">,
  sources: SourceReport[],
): Promise<{ isNews: boolean; keys: string[] }> {
  const today = dateIn(context.timezone, context.period.slotMs);
  const failing = sources.filter(({ error }) => error !== null).map(({ id }) => `failed:${id}:${today}`);
  const seen = await context.isSeen(failing);
  const keys = failing.filter((key) => !seen.has(key));
  return { isNews: keys.length > 0, keys };
}
