import { toIso } from "../lib/clock.ts";
import { AfkError } from "../lib/errors.ts";
import type { Fields, Level } from "../lib/log.ts";
import { isSecretName, REDACTED, type Redact } from "../lib/redact.ts";
import { escapeUnseen } from "../lib/visible.ts";

/** What a line of the log says. `ts` is ISO 8601 in UTC. */
export interface LogLine extends Fields {
  ts: string;
  level: Level;
  event: string;
}

/**
 * One line of JSON, without its newline: less than 100,000 characters, free of secrets, whatever was
 * passed in. `ts`, `level` and `event` cannot be set by a field; such a field is left out. Errors become
 * `{name, message, code?, cause?}`.
 */
export function formatLine(
  nowMs: number,
  level: Level,
  event: string,
  fields: Fields,
  redact: Redact,
): string {
  const head = { ts: toIso(nowMs), level, event: cut(redact(event), EVENT_LENGTH_MAX) };
  const room = { characters: LINE_LENGTH_MAX, ancestors: new Set<object>(), redact };
  const body = plainObject(Object.entries(fields), 1, room);
  const line = JSON.stringify({ ...head, ...body, ...head });

  // Field by field finds all but a secret that spans several of them (a whole JSON document, say).
  const redacted = redact(line);
  if (redacted === line) return escapeUnseen(line);
  // When it happened and what is no secret, whatever a secret is spelt like.
  const rest = parsed(redacted) ?? { fields: REDACTED };
  return escapeUnseen(JSON.stringify({ ...head, ...rest, ...head }));
}

/** A line of the log, or null for anything else. */
export function parseLine(raw: string): LogLine | null {
  let value: unknown;
  try {
    value = JSON.parse(raw);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null) return null;
  const { ts, level, event } = value as Record<string, unknown>;
  const isLine = typeof ts === "string" && typeof level === "string" && typeof event === "string";
  return isLine && !Number.isNaN(Date.parse(ts)) ? (value as LogLine) : null;
}

const EVENT_LENGTH_MAX = 100;
const STRING_LENGTH_MAX = 8_000;
/** With one string of control characters on top it stays below what a redactor looks at. */
const LINE_LENGTH_MAX = 40_000;
/** What a number, or the punctuation around a value, may take. */
const VALUE_LENGTH = 24;
const DEPTH_MAX = 5;
const ENTRIES_MAX = 100;

interface Room {
  /** Characters of JSON that the line may still take. */
  characters: number;
  /** The objects that enclose the present one, to see a circle. */
  ancestors: Set<object>;
  redact: Redact;
}

function plain(value: unknown, depth: number, room: Room): unknown {
  switch (typeof value) {
    case "string":
      return text(value, room);
    case "number":
    case "bigint":
      return number(value, room);
    case "boolean":
    case "undefined":
      return value;
    case "object":
      return value === null ? null : nested(value, depth, room);
    case "function":
    case "symbol":
      return `[${typeof value}]`;
  }
}

function text(value: string, room: Room): string {
  // Redacted before it is cut, since half a secret is not recognised.
  const result = cut(room.redact(value), Math.min(STRING_LENGTH_MAX, room.characters));
  room.characters -= escapeUnseen(JSON.stringify(result)).length;
  return result;
}

function number(value: number | bigint, { redact }: Room): unknown {
  const written = String(value);
  // A chat id may be a secret and come as a number.
  if (redact(written) !== written) return REDACTED;
  return Number.isFinite(value) ? value : written;
}

function nested(value: object, depth: number, room: Room): unknown {
  if (room.ancestors.has(value)) return "[circular]";
  if (value instanceof Uint8Array) return `[${value.byteLength} bytes]`;
  if (depth > DEPTH_MAX) return "[deeper]";
  room.ancestors.add(value);
  try {
    if (value instanceof Error) return plainObject(errorEntries(value), depth + 1, room);
    if (Array.isArray(value)) return plainArray(value, depth + 1, room);
    if (value instanceof Set) return plainArray([...value], depth + 1, room);
    if (value instanceof Map)
      return plainObject(
        [...value].map(([key, item]) => [String(key), item]),
        depth + 1,
        room,
      );
    if ("toJSON" in value && typeof value.toJSON === "function")
      return plain(value.toJSON(), depth + 1, room);
    return plainObject(Object.entries(value), depth + 1, room);
  } catch (error) {
    // A getter of somebody else's object threw.
    return text(`[unreadable: ${String(error)}]`, room);
  } finally {
    room.ancestors.delete(value);
  }
}

function plainArray(items: unknown[], depth: number, room: Room): unknown[] {
  const result: unknown[] = [];
  for (const item of items) {
    if (!hasRoom(result.length, room)) break;
    result.push(plain(item, depth, room));
  }
  if (items.length > result.length) result.push(`[${items.length - result.length} more]`);
  return result;
}

function plainObject(entries: [string, unknown][], depth: number, room: Room): Fields {
  // No prototype: a field called `__proto__` is a field.
  const result: Fields = Object.create(null);
  let count = 0;
  for (const [name, value] of entries) {
    if (!hasRoom(count, room)) break;
    const isSecret = typeof value === "string" && isSecretName(name);
    result[text(name, room)] = isSecret ? REDACTED : plain(value, depth, room);
    count += 1;
  }
  if (entries.length > count) result.more = entries.length - count;
  return result;
}

/** Every value takes room, so that the whole is bounded however the values are nested. */
function hasRoom(count: number, room: Room): boolean {
  room.characters -= VALUE_LENGTH;
  return count < ENTRIES_MAX && room.characters > 0;
}

function errorEntries(error: Error): [string, unknown][] {
  const entries: [string, unknown][] = [
    ["name", error.name],
    ["message", error.message],
  ];
  const code = error instanceof AfkError ? error.code : (error as { code?: unknown }).code;
  if (typeof code === "string" || typeof code === "number") entries.push(["code", code]);
  if (error.cause !== undefined) entries.push(["cause", error.cause]);
  return entries;
}

function cut(value: string, lengthMax: number): string {
  if (value.length <= lengthMax) return value;
  // Well-formed again, should the cut have split a surrogate pair.
  return `${value.slice(0, Math.max(0, lengthMax)).toWellFormed()}…`;
}

function parsed(line: string): object | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" ? value : null;
  } catch {
    return null;
  }
}
