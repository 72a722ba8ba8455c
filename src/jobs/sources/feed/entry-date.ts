import { parseDate } from "../../../lib/dates.ts";

/** The date of an entry, by the elements that hold one in RSS, Atom and their extensions; the first that can be read counts. */
const NAMES = ["pubdate", "published", "date", "issued", "created", "updated", "modified"];
const TEXT_CHARS_MAX = 200;

/** Reads the date of one entry while it passes by. */
export function createEntryDate() {
  const found = new Map<string, string>();
  let name: string | null = null;
  return {
    /** A direct child of the entry begins. */
    open(tag: string): void {
      const local = tag.slice(tag.indexOf(":") + 1).toLowerCase();
      name = NAMES.includes(local) && !found.has(local) ? local : null;
      if (name !== null) found.set(name, "");
    },
    text(piece: string): void {
      if (name !== null) found.set(name, `${found.get(name) ?? ""}${piece}`.slice(0, TEXT_CHARS_MAX));
    },
    /** A child ends. */
    close(): void {
      name = null;
    },
    /** Epoch milliseconds; null for none, and for one after `latestMs`. */
    value(latestMs: number): number | null {
      const dates = NAMES.map((each) => parseDate(found.get(each) ?? ""));
      const first = dates.find((date) => date !== null) ?? null;
      return first !== null && first <= latestMs ? first : null;
    },
  };
}
