import * as v from "valibot";
import { nearest } from "../lib/nearest.ts";
import { createRedactor } from "../lib/redact.ts";
import type { ConfigIssue } from "./errors.ts";
import { formatPath, isSection, type Path } from "./path.ts";
import { entriesOf, restOf, schemasAt, wordsOf } from "./schema-walk.ts";
import { saysSecret } from "./secrets.ts";

/** How values of the file are named in messages. */
export interface ParseContext {
  /** Where the parsed value is in the file. */
  prefix: Path;
  /** By formatted path: texts as they stand in the file, for those into which a secret may have been put. */
  written: ReadonlyMap<string, string>;
  /** Keys that are allowed at the top of the value besides those of the schema, to suggest instead of a mistyped one. */
  otherKeys?: readonly string[];
}

export type Parsed<Output> = { output: Output; issues: [] } | { output: null; issues: ConfigIssue[] };

/**
 * Parses `value`, and says of every fault what was found and what to write: every unknown key with the nearest
 * known one, every missing key with what its own schema asks for. Schemas whose messages begin with "write" get
 * the found value put in front; other messages of their own are kept.
 */
export function parse<Output>(
  schema: v.GenericSchema<unknown, Output>,
  value: unknown,
  context: ParseContext,
): Parsed<Output> {
  const result = v.safeParse(schema, value);
  const issues = [
    ...listsForSections(schema, value, [], context),
    ...(result.issues ?? []).flatMap((issue) => explain(schema, issue, [], context)),
  ];
  if (result.success && issues.length === 0) return { output: result.output, issues: [] };
  const seen = new Map(issues.map((issue) => [`${issue.path}\n${issue.message}`, issue]));
  return { output: null, issues: [...seen.values()] };
}

/** Valibot takes a list for a mapping without keys, so a list in its place is looked for here. */
function listsForSections(
  schema: v.GenericSchema,
  value: unknown,
  path: Path,
  context: ParseContext,
): ConfigIssue[] {
  if (typeof value !== "object" || value === null) return [];
  if (Array.isArray(value)) {
    const schemas = schemasAt(schema, path);
    const isMisplaced =
      schemas.length > 0 && schemas.every((each) => entriesOf(each) !== null || each.type === "record");
    if (isMisplaced)
      return [issueAt(path, "found a list; write a section, with `key: value` lines", context)];
  }
  const entries = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  return entries.flatMap(([key, item]) => listsForSections(schema, item, [...path, key], context));
}

type Issue = v.BaseIssue<unknown>;

function explain(schema: v.GenericSchema, issue: Issue, above: Path, context: ParseContext): ConfigIssue[] {
  const path = [...above, ...keysOf(issue)];
  const last = issue.path?.at(-1);
  if (last?.origin === "key") {
    // The keys of a list that stands for a section; listsForSections reports the list itself.
    if (!isSection(last.input)) return [];
    const parent = path.slice(0, -1);
    if (issue.expected === "never") return unknownKeys(schema, last.input, parent, context);
    if (issue.input === undefined) {
      const words = missing(schemasAt(schema, path));
      const meant = nearestKnown(schema, parent);
      const asked = meant === null ? words : words.replace("; ", `; did you mean ${meant}? If not, `);
      return [issueAt(path, asked, context)];
    }
    return [issueAt(path, reword(issue, JSON.stringify(last.key)), context)];
  }
  if (issue.issues !== undefined) {
    const nearer = explainUnion(schema, issue.input, path, context);
    if (nearer !== null) return nearer;
  }
  return [issueAt(path, wordIssue(schema, issue, path, context), context)];
}

function keysOf(issue: Issue): (string | number)[] {
  return (issue.path ?? []).map((item) => (typeof item.key === "number" ? item.key : String(item.key)));
}

function unknownKeys(
  schema: v.GenericSchema,
  found: object,
  parent: Path,
  context: ParseContext,
): ConfigIssue[] {
  const known = schemasAt(schema, parent).flatMap((each) => Object.keys(entriesOf(each) ?? {}));
  const allowed = [...new Set([...known, ...(parent.length === 0 ? (context.otherKeys ?? []) : [])])];
  return Object.keys(found)
    .filter((key) => !known.includes(key))
    .map((key) => {
      const meant = nearest(key, allowed);
      const advice = meant === null ? `known here: ${allowed.join(", ")}` : `did you mean ${meant}?`;
      return issueAt([...parent, key], `unknown key; ${advice}`, context);
    });
}

/** The known key that is probably meant by one of the writer's own, where a section has both; null for no such. */
function nearestKnown(schema: v.GenericSchema, path: Path): string | null {
  const known = schemasAt(schema, path.slice(0, -1)).flatMap((each) =>
    restOf(each) === null ? [] : Object.keys(entriesOf(each) ?? {}),
  );
  const key = String(path.at(-1));
  return known.includes(key) ? null : nearest(key, known);
}

/** What the schema says of nothing, since that is what a missing key gives it. */
function missing(schemas: readonly v.GenericSchema[]): string {
  const [schema] = schemas;
  const message = schema === undefined ? undefined : v.safeParse(schema, undefined).issues?.[0]?.message;
  if (message?.startsWith("write ")) return `missing; ${message}`;
  const words = schemas.flatMap(wordsOf);
  return words.length > 0 ? `missing; write one of ${words.join(", ")}` : "missing; write it";
}

/** The faults of the member that shares most keys with what was found; null when it shares none. */
function explainUnion(
  schema: v.GenericSchema,
  found: unknown,
  path: Path,
  context: ParseContext,
): ConfigIssue[] | null {
  if (!isSection(found)) return null;
  const sections = schemasAt(schema, path).filter((member) => entriesOf(member) !== null);
  let best: { member: v.GenericSchema; shared: number } | null = null;
  for (const member of sections) {
    const known = Object.keys(entriesOf(member) ?? {});
    // A mistyped key counts for less than one that is right.
    const weights = Object.keys(found).map((key) =>
      known.includes(key) ? 1 : nearest(key, known) ? 0.5 : 0,
    );
    const shared = weights.reduce<number>((sum, weight) => sum + weight, 0);
    if (shared > (best?.shared ?? 0)) best = { member, shared };
  }
  if (best === null) {
    const shapes = sections.map((member) => Object.keys(entriesOf(member) ?? {})[0]);
    const message = `found ${describe(found)}; write a section with one of the keys ${shapes.join(", ")}`;
    return sections.length === 0 ? null : [issueAt(path, message, context)];
  }
  const inner = { ...context, prefix: [...context.prefix, ...path], otherKeys: [] };
  const { member } = best;
  const issues = (v.safeParse(member, found).issues ?? []).flatMap((issue) =>
    explain(member, issue, [], inner),
  );
  return issues.length === 0 ? null : issues;
}

function wordIssue(schema: v.GenericSchema, issue: Issue, path: Path, context: ParseContext): string {
  const found = describeAt(issue.input, path, context);
  const words = issue.type === "picklist" ? schemasAt(schema, path).flatMap(wordsOf) : [];
  if (words.length > 0) {
    const meant = nearest(String(issue.input), words);
    return `found ${found}; ${meant === null ? "" : `did you mean ${meant}? `}write one of ${words.join(", ")}`;
  }
  return reword(issue, found);
}

function reword(issue: Issue, found: string): string {
  if (issue.message.startsWith("write ")) return `found ${found}; ${issue.message}`;
  if (!issue.message.startsWith("Invalid ")) return issue.message;
  const expected = issue.expected ?? `something else (${issue.type.replaceAll("_", " ")})`;
  return `found ${found}; expected ${EXPECTED[expected] ?? expected}`;
}

const EXPECTED: Record<string, string> = {
  Array: "a list",
  Object: "a section, with `key: value` lines",
  string: "a text",
  number: "a number",
  boolean: "true or false",
};

function issueAt(path: Path, message: string, context: ParseContext): ConfigIssue {
  return { path: formatPath([...context.prefix, ...path]), message };
}

/** Addresses that anybody who knows them can use. */
const ADDRESS_KEYS = ["url", "ping_url"];

function describeAt(value: unknown, path: Path, context: ParseContext): string {
  const written = context.written.get(formatPath([...context.prefix, ...path]));
  if (written !== undefined) return `the value of ${JSON.stringify(written)}`;
  const key = path.at(-1) ?? "";
  const isSecret = saysSecret(key, [...context.prefix, ...path]) || ADDRESS_KEYS.includes(String(key));
  if (isSecret && typeof value === "string") return `a text of ${value.length} characters`;
  if (isSecret && typeof value === "number") return "a number";
  return describe(value);
}

const SHOWN_MAX = 60;
const redactShapes = createRedactor([]);

function describe(value: unknown): string {
  if (value === null || value === undefined) return "nothing";
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  if (isSection(value)) {
    const keys = Object.keys(value);
    return keys.length === 0 ? "an empty section" : `a section with the keys ${keys.slice(0, 8).join(", ")}`;
  }
  if (typeof value !== "string") return String(value);
  // A key in the wrong place is a key all the same; redacted before it is cut, since half of one is not recognised.
  const shown = redactShapes(value);
  return JSON.stringify(shown.length > SHOWN_MAX ? `${shown.slice(0, SHOWN_MAX)}…` : shown);
}
