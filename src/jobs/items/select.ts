import { pageOf } from "./identity.ts";
import type { Item } from "./item.ts";
import { effectiveDates, newestFirst } from "./order.ts";

/** Of the keys that one digest remembers; those of its items come first, and what was known before comes again. */
const KEYS_MAX = 8_000;

/** One thing, whichever of the sources carry it. `keys` are all the identities it came under. */
export interface Group {
  item: Item;
  keys: string[];
}

/** What a digest takes of what its sources offer. */
interface Selection {
  /** What goes into this digest, in the order in which it is printed. */
  chosen: Group[];
  /** New ones that found no room; they stay unseen and come next time. */
  waiting: Group[];
  /** Identities to remember when the digest is done. */
  keys: string[];
}

/**
 * Items with the same key are one, and so are items of different sources with the same link. (Within a source
 * the same link may stand for different things: a status page links everything to itself.) The first source has it,
 * and the item names them all.
 */
export function groupItems(sources: Item[][]): Group[][] {
  const byKey = new Map<string, Group>();
  const byPage = new Map<string, { group: Group; sourceIndex: number }>();
  return sources.map((items, sourceIndex) => {
    const own: Group[] = [];
    for (const item of items) {
      const keys = [item.key, ...(item.aliases ?? [])];
      const page = item.link === null ? null : pageOf(item.link);
      const there = page === null ? undefined : byPage.get(page);
      const sameKey = keys.map((key) => byKey.get(key)).find((group) => group !== undefined);
      const same = sameKey ?? (there?.sourceIndex === sourceIndex ? undefined : there?.group);
      const group = same ?? { item, keys: [] };
      for (const key of keys) {
        if (!byKey.has(key)) group.keys.push(key);
        byKey.set(key, byKey.get(key) ?? group);
      }
      if (page !== null && there === undefined) byPage.set(page, { group, sourceIndex });
      if (same === undefined) own.push(group);
      else group.item = withSource(group.item, item.source);
    }
    return own;
  });
}

function withSource(item: Item, source: string): Item {
  const sources = item.sources ?? [item.source];
  return sources.includes(source) ? item : { ...item, sources: [...sources, source] };
}

/** All keys that `selectNew` needs to know of whether they were seen. */
export function askedKeys(groups: Group[][]): string[] {
  return groups
    .flat()
    .flatMap(({ item, keys }) => (item.sharedKey === undefined ? keys : [...keys, item.sharedKey]));
}

/**
 * Takes the newest of each source in turn, so that a loud source leaves room for the quiet ones; with a figure for each item,
 * which knows better, those with the highest, of equals the newest. Events come before all else, the soonest first.
 */
export function selectNew(
  groups: Group[][],
  seen: ReadonlySet<string>,
  itemsMax: number,
  scoreOf?: (group: Group) => number,
): Selection {
  const known = knownGroups(groups, seen);
  const queues = groups.map((own) => {
    const dates = effectiveDates(own, dateOf);
    const queue = own.map((group, index) => ({ group, date: dates[index] ?? null }));
    return newestFirst(queue, ({ date }) => date)
      .toSorted((a, b) => byStart(a.group, b.group))
      .filter(({ group }) => !known.has(group));
  });
  const available = queues.reduce((sum, queue) => sum + queue.length, 0);
  const byDate = (a: Queued, b: Queued) => (b.date ?? -1) - (a.date ?? -1);
  const byScore = (a: Queued, b: Queued) => (scoreOf?.(b.group) ?? 0) - (scoreOf?.(a.group) ?? 0);
  const order = (a: Queued, b: Queued) => byStart(a.group, b.group) || byScore(a, b) || byDate(a, b);
  const chosen = scoreOf === undefined ? [] : queues.flat().toSorted(order).slice(0, itemsMax);
  for (let round = 0; chosen.length < Math.min(itemsMax, available); round++) {
    const row = queues.map((queue) => queue[round]).filter((next) => next !== undefined);
    chosen.push(...row.slice(0, itemsMax - chosen.length));
  }
  const first = chosen.toSorted(order).map(({ group }) => group);
  // A seen item that has turned up under another identity is remembered under that one too.
  const keys = [...first, ...known].flatMap((group) => group.keys).filter((key) => !seen.has(key));
  const taken = new Set(first);
  const waiting = queues.flatMap((queue) =>
    queue.map(({ group }) => group).filter((group) => !taken.has(group)),
  );
  return { chosen: first, waiting, keys: keys.slice(0, KEYS_MAX) };
}

/** What takes place comes before what is news, the soonest first. */
function byStart({ item: a }: Group, { item: b }: Group): number {
  if (a.startsAt !== undefined && b.startsAt !== undefined) return a.startsAt - b.startsAt;
  return Number(b.startsAt !== undefined) - Number(a.startsAt !== undefined);
}

/** A group on its way into a digest, with the date that it is taken to be of. */
interface Queued {
  group: Group;
  date: number | null;
}

function dateOf({ item }: Group): number | null {
  return item.publishedAt;
}

/**
 * What an earlier digest has had. An earlier version knew one of several items with a common key and not which: when
 * that key is all that is remembered of them, all are known, and from then on each by its own.
 */
function knownGroups(groups: Group[][], seen: ReadonlySet<string>): Set<Group> {
  const all = groups.flat();
  const known = all.filter(({ keys }) => keys.some((key) => seen.has(key)));
  const toldApart = new Set(known.map(({ item }) => item.sharedKey));
  const former = all.filter(
    ({ item: { sharedKey } }) => sharedKey !== undefined && seen.has(sharedKey) && !toldApart.has(sharedKey),
  );
  return new Set([...known, ...former]);
}
