import type { GenericSchema } from "valibot";

/** What of a valibot schema's structure is looked at; a schema that was piped keeps these of its first part. */
interface SchemaNode {
  type: string;
  entries?: Record<string, GenericSchema>;
  item?: GenericSchema;
  value?: GenericSchema;
  rest?: GenericSchema;
  wrapped?: GenericSchema;
  options?: readonly unknown[];
}

/** The schemas that may apply at `path` below `schema`; several when there are unions on the way, none when unknown. */
export function schemasAt(schema: GenericSchema, path: readonly (string | number)[]): GenericSchema[] {
  return path
    .reduce<GenericSchema[]>((found, key) => found.flatMap((parent) => children(parent, key)), [schema])
    .flatMap(alternatives);
}

/** The keys of a mapping schema; null for any other. */
export function entriesOf(schema: GenericSchema): Record<string, GenericSchema> | null {
  return node(schema).entries ?? null;
}

/** The schema of a mapping's values under keys that are not known; null for any other. */
export function restOf(schema: GenericSchema): GenericSchema | null {
  return node(schema).rest ?? null;
}

/** The words of a picklist; empty for any other schema. */
export function wordsOf(schema: GenericSchema): string[] {
  if (schema.type !== "picklist") return [];
  return (node(schema).options ?? []).map(String);
}

/** A union's members, an optional's inside, or the schema itself. */
function alternatives(schema: GenericSchema): GenericSchema[] {
  const { wrapped, options, type } = node(schema);
  if (wrapped !== undefined) return alternatives(wrapped);
  if (options !== undefined && (type === "union" || type === "variant")) {
    return (options as GenericSchema[]).flatMap(alternatives);
  }
  return [schema];
}

function children(parent: GenericSchema, key: string | number): GenericSchema[] {
  return alternatives(parent).flatMap((schema) => {
    const { entries, item, value, rest, type } = node(schema);
    if (entries !== undefined && Object.hasOwn(entries, key)) return entries[key] ?? [];
    if (item !== undefined && typeof key === "number") return [item];
    if (rest !== undefined) return [rest];
    return type === "record" && value !== undefined ? [value] : [];
  });
}

function node(schema: GenericSchema): SchemaNode {
  return schema as unknown as SchemaNode;
}
