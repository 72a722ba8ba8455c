import { sql } from "kysely";
import type { Row, RowsOf } from "../copy-rows.ts";
import type { Db } from "../schema.ts";

const ROWS = 200;

/** Rows of tables by a connection whose transaction is open. */
export function rowsOf(db: Db): RowsOf {
  return async function* (table) {
    for (let after = -1; ; ) {
      const { rows } = await sql<Row & { "afk rowid": number }>`
        select rowid as "afk rowid", * from ${sql.table(table)}
        where rowid > ${after} order by rowid limit ${ROWS}`.execute(db);
      const last = rows.at(-1);
      if (last === undefined) return;
      after = last["afk rowid"];
      yield rows.map(({ "afk rowid": _rowid, ...row }) => row);
    }
  };
}
