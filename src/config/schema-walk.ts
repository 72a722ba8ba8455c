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

/** Whether a schema is of a mapping. */
export function isOfSection(schema: GenericSchema): boolean {
  return node(schema).entries !== undefined || schema.type === "record";
}

/** The known keys of a mapping; none for any other schema. */
export function keysOf(schema: GenericSchema): string[] {
  return Object.keys(node(schema).entries ?? {});
}

/** Whether a mapping takes keys of the writer's own beside those that are known. */
export function takesOwnKeys(schema: GenericSchema): boolean {
  return node(schema).rest !== undefined;
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
