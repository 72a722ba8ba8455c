import { type RawBuilder, sql } from "kysely";

/** The greater of a column and a value, neither of them null: SQLite and PostgreSQL have no function for it that the other has. */
export function greater(column: string, value: number): RawBuilder<number> {
  return sql<number>`case when ${sql.ref(column)} > ${value} then ${sql.ref(column)} else ${value} end`;
}
