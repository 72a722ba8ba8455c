import * as v from "valibot";
import { nearest } from "../lib/nearest.ts";
import { createRedactor } from "../lib/redact.ts";
import type { ConfigIssue } from "./errors.ts";
import { formatPath, isSection, type Path } from "./path.ts";
import { isOfSection, keysOf, schemasAt, takesOwnKeys, wordsOf } from "./schema-walk.ts";
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

/** What was read, or all that is wrong with it; never both. */
export type Parsed<Output> = { output: Output; issues: [] } | { output: null; issues: ConfigIssue[] };

/** What is parsed by which schema, for messages. */
interface Subject extends ParseContext {
  schema: v.GenericSchema;
}

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
  const subject = { ...context, schema };
  const issues = [
    ...listsForSections(subject, value, []),
    ...(result.issues ?? []).flatMap((issue) => explain(subject, issue)),
  ];
  if (result.success && issues.length === 0) return { output: result.output, issues: [] };
  const seen = new Map(issues.map((issue) => [`${issue.path}\n${issue.message}`, issue]));
  return { output: null, issues: [...seen.values()] };
}

/** Valibot takes a list for a mapping without keys, so a list in its place is looked for here. */
function listsForSections(subject: Subject, value: unknown, path: Path): ConfigIssue[] {
  if (typeof value !== "object" || value === null) return [];
  if (Array.isArray(value)) {
    const schemas = schemasAt(subject.schema, path);
    if (schemas.length > 0 && schemas.every(isOfSection))
      return [issueAt(path, "found a list; write a section, with `key: value` lines", subject)];
  }
  const entries = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  return entries.flatMap(([key, item]) => listsForSections(subject, item, [...path, key]));
}

type Issue = v.BaseIssue<unknown>;

function explain(subject: Subject, issue: Issue): ConfigIssue[] {
  const { schema } = subject;
  const path = (issue.path ?? []).map(({ key }) => (typeof key === "number" ? key : String(key)));
  const last = issue.path?.at(-1);
  if (last?.origin === "key") {
    // The keys of a list that stands for a section; listsForSections reports the list itself.
    if (!isSection(last.input)) return [];
    const parent = path.slice(0, -1);
    if (issue.expected === "never") return unknownKeys(subject, last.input, parent);
    if (issue.input === undefined) {
      const words = missing(schemasAt(schema, path));
      const meant = nearestKnown(schema, parent);
      const asked = meant === null ? words : words.replace("; ", `; did you mean ${meant}? If not, `);
      return [issueAt(path, asked, subject)];
    }
    return [issueAt(path, reword(issue, JSON.stringify(last.key)), subject)];
  }
  const nearer = issue.issues === undefined ? null : explainUnion(subject, issue.input, path);
  return nearer ?? [issueAt(path, wordIssue(subject, issue, path), subject)];
}

function unknownKeys(subject: Subject, found: object, parent: Path): ConfigIssue[] {
  const known = schemasAt(subject.schema, parent).flatMap(keysOf);
  const allowed = [...new Set([...known, ...(parent.length === 0 ? (subject.otherKeys ?? []) : [])])];
  const unknown = Object.keys(found).filter((key) => !known.includes(key));
  return unknown.map((key) => {
    const meant = nearest(key, allowed);
    const advice = meant === null ? `known here: ${allowed.join(", ")}` : `did you mean ${meant}?`;
    return issueAt([...parent, key], `unknown key; ${advice}`, subject);
  });
}

/** The known key that is probably meant by one of the writer's own, where a section has both; null for no such. */
function nearestKnown(schema: v.GenericSchema, path: Path): string | null {
  const known = schemasAt(schema, path.slice(0, -1)).filter(takesOwnKeys).flatMap(keysOf);
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

/** The faults of the member that shares most keys with what was found; null when there is none to compare with. */
function explainUnion(subject: Subject, found: unknown, path: Path): ConfigIssue[] | null {
  if (!isSection(found)) return null;
  const sections = schemasAt(subject.schema, path).filter((member) => keysOf(member).length > 0);
  const shared = sections.map((member) => {
    const known = keysOf(member);
    // A mistyped key counts for less than one that is right.
    const weights = Object.keys(found).map((key) =>
      known.includes(key) ? 1 : nearest(key, known) ? 0.5 : 0,
    );
    return weights.reduce<number>((sum, weight) => sum + weight, 0);
  });
  const most = Math.max(0, ...shared);
  const schema = sections[shared.indexOf(most)];
  if (schema === undefined) return null;
  if (most === 0) {
    const shapes = sections.map((member) => keysOf(member)[0]);
    const message = `found ${describe(found)}; write a section with one of the keys ${shapes.join(", ")}`;
    return [issueAt(path, message, subject)];
  }
  const inner = { ...subject, schema, prefix: [...subject.prefix, ...path], otherKeys: [] };
  const issues = (v.safeParse(schema, found).issues ?? []).flatMap((issue) => explain(inner, issue));
  return issues.length === 0 ? null : issues;
}

function wordIssue(subject: Subject, issue: Issue, path: Path): string {
  const found = describeAt(issue.input, path, subject);
  const words = issue.type === "picklist" ? schemasAt(subject.schema, path).flatMap(wordsOf) : [];
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
