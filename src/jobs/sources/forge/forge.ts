import { ITEMS_PER_SOURCE_MAX, newestItems, type RawItem } from "../../items/item.ts";
import type { Collected } from "../source.ts";
import type { Entry, ForgeRequest, Listing } from "./listing.ts";
import { type ForgeContext, readPages } from "./read-pages.ts";

/**
 * The newest `itemsMax` of each listing. Where there are more, and the oldest of these was in no digest yet, that is noted.
 * @throws SourceUnreadable for an answer that is none, or a refusal; and what `egress.fetch` throws.
 */
export async function collectListings(
  listings: readonly (readonly [event: string, listing: Listing])[],
  {
    label,
    max_items: itemsMax = ITEMS_PER_SOURCE_MAX,
    request,
    rawItem,
  }: {
    label: string;
    max_items?: number | undefined;
    request: ForgeRequest;
    rawItem: (entry: Entry) => RawItem;
  },
  context: ForgeContext,
): Promise<Collected> {
  const raws: RawItem[] = [];
  const notes: string[] = [];
  for (const [event, listing] of listings) {
    const { entries, hasMore } = await readPages(listing, { request, itemsMax }, context);
    const found = entries.map(rawItem);
    raws.push(...found);
    const oldest = found.length === 0 ? undefined : newestItems(found, label, { itemsMax }).at(-1);
    const keys = oldest === undefined ? [] : [oldest.key, ...(oldest.aliases ?? [])];
    if (hasMore && (await context.isSeen(keys)).size === 0)
      notes.push(
        `only the newest ${itemsMax} ${event} were read, and there are more (max_items can be raised)`,
      );
  }
  return { items: newestItems(raws, label, { itemsMax }), notes };
}
