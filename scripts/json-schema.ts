import { writeFileSync } from "node:fs";
import { type ConversionConfig, type JsonSchema, toJsonSchema } from "@valibot/to-json-schema";
import type { GenericSchema } from "valibot";
import { DAILY_KEYS } from "../src/config/caps.ts";
import type { JobSettingsKind } from "../src/config/job-kind.ts";
import { jobSchema } from "../src/config/job-schema.ts";
import { configSchema } from "../src/config/schema.ts";

/** The file that editors read, beside package.json. */
export const SCHEMA_FILE = new URL("../afk.schema.json", import.meta.url);

/**
 * The JSON Schema (draft-07, which editors know best) of afk.yaml as people write it: the input side of the schemas
 * that the parser uses, with the keys of each job kind where `kind` names it. `${NAME}` is allowed in any text.
 */
export function buildJsonSchema(kinds: readonly JobSettingsKind[]): JsonSchema {
  const schema = convert(configSchema());
  const { $schema, ...rest } = schema;
  const budget = rest.properties?.budget as JsonSchema;
  budget.anyOf = DAILY_KEYS.map((key) => ({ required: [key] }));
  const jobs = rest.properties?.jobs as JsonSchema;
  jobs.items = allowVariables(jobItem(kinds)) as JsonSchema;
  // Where a file names kinds of its own, only afk knows them.
  const known = { properties: { kind: { enum: kinds.map(({ kind }) => kind) } } };
  const kindsOnly = { if: { required: ["kinds"] }, else: { properties: { jobs: { items: known } } } };
  return { $schema, title: "afk.yaml", ...rest, ...kindsOnly } as JsonSchema;
}

/** The text of the shipped file. */
export function renderJsonSchema(kinds: readonly JobSettingsKind[]): string {
  return `${JSON.stringify(buildJsonSchema(kinds), null, 2)}\n`;
}

/** What JSON Schema has no words for; the parser alone does it. */
export const PARSER_ONLY = [
  ...["check", "raw_check", "partial_check", "check_items", "every_item", "some_item"],
  ...["to_lower_case", "to_upper_case", "trim"],
];

function convert(schema: GenericSchema<unknown, unknown>): JsonSchema {
  const config: ConversionConfig = {
    typeMode: "input",
    target: "draft-07",
    ignoreActions: PARSER_ONLY,
    overrideAction,
  };
  return allowVariables(toJsonSchema(schema, config)) as JsonSchema;
}

/** Patterns of JSON Schema are Unicode patterns as they are, so that this flag may be left out. */
const overrideAction: NonNullable<ConversionConfig["overrideAction"]> = ({ valibotAction, jsonSchema }) => {
  const { requirement } = valibotAction as { requirement?: unknown };
  if (!(requirement instanceof RegExp) || requirement.flags !== "u") return undefined;
  return { ...jsonSchema, pattern: requirement.source };
};

/** An entry has the common keys, and those of its kind; `if` and `then` give editors the error of the kind meant. */
function jobItem(kinds: readonly JobSettingsKind[]): JsonSchema {
  const { $schema: _, ...common } = convert(jobSchema);
  const names = kinds.map(({ kind }) => kind);
  return {
    type: "object",
    description: "One job.",
    required: common.required ?? [],
    properties: {
      ...common.properties,
      kind: {
        type: "string",
        examples: names,
        description: `What the job does: ${names.join(", ")}, or what a file under kinds exports.`,
      },
    },
    not: { required: ["schedule", "every"] },
    allOf: kinds.map((kind) => ({
      if: { properties: { kind: { const: kind.kind } }, required: ["kind"] },
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema.
      then: kindItem(kind, Object.keys(common.properties ?? {})),
    })),
  };
}

function kindItem({ kind, settings }: JobSettingsKind, commonKeys: readonly string[]): JsonSchema {
  const { $schema: _, ...own } = convert(settings);
  if (own.type !== "object" || own.properties === undefined) {
    throw new Error(`the settings of the job kind ${kind} are no object of known keys`);
  }
  const common = Object.fromEntries(commonKeys.map((key) => [key, true]));
  return { ...own, properties: { ...common, ...own.properties }, additionalProperties: false };
}

const VARIABLE = "(?:^|[^$])\\$\\{[A-Za-z_][A-Za-z0-9_]*\\}";

/** Lets `${NAME}` stand wherever a text of a certain form is asked for: its value is known to the parser only. */
function allowVariables(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(allowVariables);
  if (typeof node !== "object" || node === null || takesVariable(node)) return node;
  const entries = Object.entries(node).map(([key, value]) => [
    key,
    DATA_KEYS.has(key) ? value : allowVariables(value),
  ]);
  const copy: Record<string, unknown> = Object.fromEntries(entries);
  if (typeof copy.pattern === "string") return { ...copy, pattern: withVariable(copy.pattern) };
  if (copy.type === "string" && Array.isArray(copy.enum)) {
    const { enum: words, type, ...rest } = copy;
    return {
      ...rest,
      anyOf: [
        { type, enum: words },
        { type, pattern: VARIABLE },
      ],
    };
  }
  return copy;
}

/** What a job's entry holds comes by here twice. */
function takesVariable(node: object): boolean {
  const { anyOf } = node as { anyOf?: { pattern?: string }[] };
  return anyOf?.some(({ pattern }) => pattern === VARIABLE) ?? false;
}

/** Keys whose content is data, not schemas. */
const DATA_KEYS = new Set(["default", "const", "enum", "required"]);

function withVariable(pattern: string): string {
  return pattern.endsWith(VARIABLE) ? pattern : `(?:${pattern})|${VARIABLE}`;
}

if (import.meta.main) {
  const { jobKinds } = await import("../src/jobs/registry.ts");
  writeFileSync(SCHEMA_FILE, renderJsonSchema(jobKinds));
}
