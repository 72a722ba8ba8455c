import type { DatabaseTarget } from "../../lib/database-target.ts";

/** The database in words: host, name and schema, without user and password. */
export function describe({ url, schema }: DatabaseTarget): string {
  const { host, pathname, searchParams } = new URL(url);
  return `PostgreSQL at ${host || searchParams.get("host") || "this machine"}${pathname}, schema ${schema}`;
}
