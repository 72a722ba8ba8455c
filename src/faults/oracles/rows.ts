import { isDeepStrictEqual } from "node:util";
import type { Reader } from "./reader.ts";

/** What has become of a table since it was read before. */
interface Changes<Row> {
  /** Everything that is there now, by id. */
  rows: ReadonlyMap<string, Row>;
  added: Row[];
  changed: { before: Row; now: Row }[];
  gone: Row[];
}

/** Reads a whole table at each call and compares it with the call before. `sql` selects the columns that matter, with `id`. */
export function watchRows<Row extends { id: string }>(sql: string): (reader: Reader) => Changes<Row> {
  let known = new Map<string, Row>();
  return (reader) => {
    const before = known;
    known = new Map(reader.all<Row>(sql).map((row) => [row.id, row]));
    const changes: Changes<Row> = { rows: known, added: [], changed: [], gone: [] };
    for (const [id, now] of known) {
      const old = before.get(id);
      if (old === undefined) changes.added.push(now);
      else if (!isDeepStrictEqual(old, now)) changes.changed.push({ before: old, now });
    }
    for (const [id, row] of before) if (!known.has(id)) changes.gone.push(row);
    return changes;
  };
}
