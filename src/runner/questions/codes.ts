import { createHash } from "node:crypto";
import { HOUR_MS } from "../../lib/durations.ts";
import { newId, secretBytes } from "../../lib/ids.ts";
import type { Db, Trx } from "../../store/schema.ts";

/** Digits and letters without those that look alike, of which one of each pair is left out: 0 O, 1 I L, 2 Z, 5 S, 8 B, U V. */
const ALPHABET = "23456789ACDEFGHJKMNPQRTVWXY";
/** 27 to the power of 8: 38 bits. */
const CODE_CHARS = 8;
/** The most that is a multiple of 27: bytes above it would make some letters likelier. */
const BYTE_MAX = 256 - (256 % ALPHABET.length);

/** Of so many wrong codes within an hour somebody is guessing; then for an hour no code is looked at. */
const WRONG_MAX = 5;

/** A code that nobody guesses, in capitals. */
export function newCode(): string {
  let code = "";
  while (code.length < CODE_CHARS)
    for (const byte of secretBytes(CODE_CHARS))
      if (byte < BYTE_MAX && code.length < CODE_CHARS) code += ALPHABET[byte % ALPHABET.length];
  return code;
}

/** A code as a person typed it, with small letters, blanks, dots or dashes: as it is kept. Whether it is one is seen by its hash. */
export function readCode(typed: string): string {
  return typed.toUpperCase().replace(/[\s.-]+/g, "");
}

/** What is kept of a code. */
export function hashOfCode(code: string): string {
  return createHash("sha256").update(code).digest("hex");
}

/** Until when no code is looked at, after too many wrong ones; null where they are. Epoch milliseconds. */
export async function refusedUntil(db: Db, nowMs: number): Promise<number | null> {
  const latest = await db
    .selectFrom("wrong_codes")
    .select("at")
    .orderBy("at", "desc")
    .limit(WRONG_MAX)
    .execute();
  const [last, first] = [latest[0]?.at, latest[WRONG_MAX - 1]?.at];
  if (last === undefined || first === undefined || last - first > HOUR_MS) return null;
  return nowMs < last + HOUR_MS ? last + HOUR_MS : null;
}

/** Counts a wrong code. */
export async function noteWrongCode(trx: Trx, nowMs: number): Promise<void> {
  await trx
    .insertInto("wrong_codes")
    .values({ id: newId(nowMs), at: nowMs })
    .execute();
}
