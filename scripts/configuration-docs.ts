import { writeFileSync } from "node:fs";
import type { JsonSchema } from "@valibot/to-json-schema";
import type { JobSettingsKind } from "../src/config/job-kind.ts";
import { buildJsonSchema } from "./json-schema.ts";

/** What people read; beside the other documents. */
export const CONFIGURATION_FILE = new URL("../docs/configuration.md", import.meta.url);

const HEAD = `# afk.yaml

Made from the schema by \`node scripts/configuration-docs.ts\`; edit the descriptions there, not this file.

What runs takes a changed file over before its next tick, and caps before its next call; one that is refused is told of (\`config_refused\`), and
the last good one goes on with the lower of both caps. Where the page is served, and to whom, needs a restart, as host settings do.

It is YAML 1.2: \`%YAML 1.1\`, tags (\`!!int\`), and numbers that are not plainly decimal (\`0x10\`, \`010\`, \`1e3\`) are refused.
Unknown keys are refused, with the nearest known one. Paths are relative to the file. \`\${NAME}\` in a text is read from the environment, or
from the file that \`NAME_FILE\` names. Durations have a unit: \`90s\`, \`5m\`, \`4h\`, \`2d\`, \`1h30m\`. Money is in US dollars. Host settings win
over the file: \`DAILY_CAP_USD\` (also \`HOURLY_\`, \`WEEKLY_\`, \`MONTHLY_\`, and \`_TOKENS\`, \`_CALLS\`), \`TICK_SECONDS\`, \`KILL_FLAG\`. \`ALERT_WEBHOOK\` is
the channel of an agent whose file names none under \`alerts\`. Paths, \`KILL_FLAG\` and
\`AFK_STATE\` may begin with \`~/\`, your home folder.

What is a key of the list \`x\` is written \`x[].key\`; \`x.NAME\` stands for any name. A key without a default may be left out unless it is
required.
`;

/** The text of the document: a table for each section of afk.yaml, in the schema's order. */
export function renderConfigurationDocs(kinds: readonly JobSettingsKind[]): string {
  const { properties = {}, required = [], ...schema } = buildJsonSchema(kinds);
  const isSection = (node: JsonSchema) => rowsOf("", node, false).length > 1;
  const entries = Object.entries(properties).map(([name, node]) => [name, node as JsonSchema] as const);
  const single = entries.filter(([, node]) => !isSection(node));
  const top = single.flatMap(([name, node]) => rowsOf(name, node, required.includes(name)));
  const sections = entries
    .filter(([, node]) => isSection(node))
    .map(([name, node]) => {
      const rows = rowsOf(name, node, required.includes(name)).slice(1);
      const must = required.includes(name) ? " Required." : "";
      const kindTables = name === "jobs" ? kindSections(node) : "";
      return `\n## ${name}\n\n${node.description ?? ""}${must}\n\n${table(rows)}${kindTables}`;
    });
  return `${HEAD}\n## At the top\n\n${schema.description ?? ""}\n\n${table(top)}${sections.join("")}`;
}

interface Row {
  path: string;
  node: JsonSchema;
  isRequired: boolean;
  /** It tells its form of an entry from the other forms. */
  isOfForm?: boolean;
}

/** A node and everything under it that has a name of its own. */
function rowsOf(path: string, node: JsonSchema, isRequired: boolean): Row[] {
  const rows: Row[] = [{ path, node, isRequired }];
  const { properties, additionalProperties, items, anyOf } = node;
  for (const [name, child] of Object.entries(properties ?? {}))
    if (typeof child === "object")
      rows.push(...rowsOf(`${path}.${name}`, child, (node.required ?? []).includes(name)));
  if (typeof additionalProperties === "object")
    rows.push(...rowsOf(`${path}.NAME`, additionalProperties, false));
  if (typeof items === "object" && !Array.isArray(items))
    rows.push(...rowsOf(`${path}[]`, items, false).slice(1));
  // Forms of one entry, told apart by their keys; a key of several is told of once.
  for (const form of anyOf ?? [])
    if (typeof form === "object" && form.properties !== undefined)
      for (const row of rowsOf(path, form, false).slice(1))
        if (!rows.some((known) => known.path === row.path)) {
          // What stands within one of its keys is required where that key is there.
          const isWithin = row.path.slice(path.length + 1).includes(".");
          rows.push(isWithin ? row : { ...row, isOfForm: true });
        }
  return rows;
}

/** The keys of a job that its kind has. */
function kindSections(jobs: JsonSchema): string {
  const { items } = jobs;
  const forms = (typeof items === "object" && !Array.isArray(items) ? items.allOf : undefined) ?? [];
  return forms
    .map((form) => {
      const { if: condition, then } = form as { if: JsonSchema; then: JsonSchema };
      const kind = (condition.properties?.kind as JsonSchema | undefined)?.const;
      const rows = rowsOf("jobs[]", then, false).slice(1);
      return `\n### kind: ${String(kind)}\n\n${then.description ?? ""}\n\n${table(rows)}`;
    })
    .join("");
}

function table(rows: readonly Row[]): string {
  const lines = rows.map(({ path, node, isRequired, isOfForm = false }) => {
    const must = isOfForm ? "one of these" : "required";
    const given = isRequired ? must : node.default === undefined ? "" : code(JSON.stringify(node.default));
    return `| \`${path}\` | ${typeOf(node)} | ${given} | ${cell(node.description ?? "")} |`;
  });
  return `| key | is | default | meaning |\n|---|---|---|---|\n${lines.join("\n")}\n`;
}

function typeOf(node: JsonSchema): string {
  const words = wordsOf(node);
  if (words.length > 0) return words.map((word) => code(String(word))).join(", ");
  const { minimum, maximum, exclusiveMinimum } = node;
  const low = minimum ?? exclusiveMinimum;
  const range =
    low === undefined && maximum === undefined ? "" : ` ${rangeText(low, maximum, exclusiveMinimum)}`;
  switch (node.type) {
    case "integer":
      return `whole number${range}`;
    case "number":
      return `number${range}`;
    case "string":
      return "text";
    case "boolean":
      return "true or false";
    case "array":
      return "list";
    case "object":
      return "section";
    default: {
      const forms = [...new Set((node.anyOf ?? []).map((form) => typeOf(form as JsonSchema)))];
      return forms.join(" or ");
    }
  }
}

function rangeText(low: number | undefined, high: number | undefined, exclusive: number | undefined): string {
  if (low === undefined) return `up to ${high}`;
  if (high === undefined) return `from ${low}`;
  return exclusive === undefined ? `${low} to ${high}` : `above ${low}, up to ${high}`;
}

/** The words of a choice; it may be one of several forms, the other being `${NAME}`. */
function wordsOf({ enum: words, const: only, anyOf }: JsonSchema): unknown[] {
  if (words !== undefined) return words;
  if (only !== undefined) return [only];
  const found = (anyOf ?? []).map((form) => (form as JsonSchema).enum);
  return found.find((each) => each !== undefined) ?? [];
}

function code(text: string): string {
  return `\`${text.replaceAll("|", "\\|")}\``;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}

if (import.meta.main) {
  const { jobKinds } = await import("../src/jobs/registry.ts");
  writeFileSync(CONFIGURATION_FILE, renderConfigurationDocs(jobKinds));
}
