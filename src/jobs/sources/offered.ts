import type { Item } from "../items/item.ts";
import type { JobContext } from "../job.ts";

/** Well below what `JobContext.keep` takes. */
const KEPT_CHARS_MAX = 200_000;

/**
 * For sources that say a thing once, such as what changed: the new items, and behind them those of earlier runs that the job
 * has not had yet, since there was no room for them. They come until they are remembered.
 */
export async function withOffered(
  fresh: readonly Item[],
  { id, itemsMax }: { id: string; itemsMax: number },
  { recall, keep, isSeen }: Pick<JobContext, "recall" | "keep" | "isSeen">,
): Promise<Item[]> {
  const key = `offered:${id}`;
  const earlier: Item[] = JSON.parse((await recall(key)) ?? "[]");
  if (fresh.length === 0 && earlier.length === 0) return [];
  const seen = await isSeen(earlier.map((item) => item.key));
  const waiting = earlier.filter((item) => !seen.has(item.key) && !fresh.some((one) => one.key === item.key));
  const items = [...fresh, ...waiting].slice(0, itemsMax);
  keep(key, JSON.stringify(within(items)));
  return items;
}

/** As many of them as are kept. */
function within(items: readonly Item[]): Item[] {
  let chars = 0;
  return items.filter((item) => {
    chars += JSON.stringify(item).length + 1;
    return chars < KEPT_CHARS_MAX;
  });
}
