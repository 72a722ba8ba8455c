import { byNewest, type Item } from "./item.ts";

/** One thing, whichever of the sources carry it. `keys` are all the identities it came under. */
export interface Group {
  item: Item;
  keys: string[];
}

/** What a digest takes of what its sources offer. */
interface Selection {
  /** What goes into this digest, newest first. */
  chosen: Group[];
  /** New ones that found no room; they stay unseen and come next time. */
  waiting: number;
  /** Identities to remember when the digest is done. */
  keys: string[];
}

/**
 * Items with the same key are one, and so are items of different sources with the same link. (Within a source
 * the same link may stand for different things: a status page links everything to itself.) The first source has it.
 */
export function groupItems(sources: Item[][]): Group[][] {
  const byKey = new Map<string, Group>();
  const byLink = new Map<string, { group: Group; sourceIndex: number }>();
  return sources.map((items, sourceIndex) => {
    const own: Group[] = [];
    for (const item of items) {
      const keys = [item.key, ...(item.aliases ?? [])];
      const elsewhere = item.link === null ? undefined : byLink.get(item.link);
      const isElsewhere = elsewhere !== undefined && elsewhere.sourceIndex !== sourceIndex;
      const same = byKey.get(item.key) ?? (isElsewhere ? elsewhere.group : undefined);
      const group = same ?? { item, keys: [] };
      for (const key of keys) {
        if (!group.keys.includes(key)) group.keys.push(key);
        byKey.set(key, group);
      }
      if (same !== undefined) continue;
      if (item.link !== null && elsewhere === undefined) byLink.set(item.link, { group, sourceIndex });
      own.push(group);
    }
    return own;
  });
}

/** Takes the newest of each source in turn, so that a loud source leaves room for the quiet ones. */
export function selectNew(groups: Group[][], seen: ReadonlySet<string>, itemsMax: number): Selection {
  const isSeen = (group: Group) => group.keys.some((key) => seen.has(key));
  const queues = groups.map((own) =>
    own.filter((group) => !isSeen(group)).toSorted((a, b) => byNewest(a.item, b.item)),
  );
  const available = queues.reduce((sum, queue) => sum + queue.length, 0);
  const chosen: Group[] = [];
  for (let round = 0; chosen.length < Math.min(itemsMax, available); round++) {
    const row = queues.map((queue) => queue[round]).filter((group) => group !== undefined);
    chosen.push(...row.slice(0, itemsMax - chosen.length));
  }
  // A seen item that has turned up under another identity is remembered under that one too.
  const known = [...chosen, ...groups.flat().filter(isSeen)];
  const keys = known.flatMap((group) => group.keys).filter((key) => !seen.has(key));
  return {
    chosen: chosen.toSorted((a, b) => byNewest(a.item, b.item)),
    waiting: available - chosen.length,
    keys,
  };
}
