import { types } from "pg";
import { StoreRefused } from "../errors.ts";

/** Numbers of the system's catalogue (pg_type.dat). */
const INT8 = 20;
const NUMERIC = 1700;

/** int8 and numeric as numbers, as SQLite gives them; pg itself gives texts, which `+` would join. */
export const TYPES = {
  getTypeParser: (oid: number, format?: "text" | "binary") =>
    oid === INT8 || oid === NUMERIC ? toNumber : types.getTypeParser(oid, format ?? "text"),
};

/** @throws StoreRefused for one that a number cannot hold exactly: money is never rounded. */
function toNumber(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value)))
    throw new StoreRefused("store_damaged", `the database holds ${text}, which is larger than afk counts`);
  return value;
}

/**
 * PostgreSQL keeps no U+0000 in a text, which a model's answer or a page may hold; it becomes U+FFFD. What is not a number becomes
 * null, as in SQLite, so that the same constraint refuses it.
 */
export function toParameter(value: unknown): unknown {
  if (Number.isNaN(value)) return null;
  if (typeof value === "string") return value.includes("\0") ? value.replaceAll("\0", "\uFFFD") : value;
  if (value instanceof Uint8Array && !Buffer.isBuffer(value)) return Buffer.from(value);
  return value;
}
