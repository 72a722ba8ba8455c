import { hash } from "node:crypto";
import type { ValidateFunction } from "ajv";
import { messageOf } from "../../lib/errors.ts";
import { oneLine } from "../../lib/text.ts";
import type { PermanentFailure } from "../../queue/job.ts";
import { readNamedFile } from "../programs/named-file.ts";

const SCHEMA_BYTES_MAX = 256 * 1024;
const SCHEMAS_KEPT = 20;
/** UTF-16 units of a document; more is not looked at. */
const DOCUMENT_CHARS_MAX = 4 * 1024 * 1024;

/** What is wrong with a document, as a clause behind its name; null where it fits. */
export type JsonCheck = (document: string) => string | null;

const compiled = new Map<string, ValidateFunction>();

/**
 * Reads and compiles a JSON schema (draft 7 or 2020-12; no other file is read for it); without one any JSON will do.
 * @throws PermanentFailure for a schema that cannot be used.
 */
export async function openJsonCheck(path: string | null): Promise<JsonCheck> {
  if (path === null) return (document) => problemOf(document, null);
  const { text, refuse } = readNamedFile(path, {
    code: "expect_schema",
    what: "expect.json.schema",
    key: "its path in afk.yaml",
    bytesMax: SCHEMA_BYTES_MAX,
    smaller: "write a smaller one",
  });
  const key = hash("sha256", text);
  const validate = compiled.get(key) ?? (await compile(text, refuse));
  if (compiled.size >= SCHEMAS_KEPT) compiled.clear();
  compiled.set(key, validate);
  return (document) => problemOf(document, validate);
}

async function compile(
  text: string,
  refuse: (problem: string) => PermanentFailure,
): Promise<ValidateFunction> {
  // Only what expects this pays for loading it.
  const [{ Ajv }, { Ajv2020 }, formats] = await Promise.all([
    import("ajv"),
    import("ajv/dist/2020.js"),
    import("ajv-formats"),
  ]);
  try {
    const schema: unknown = JSON.parse(text);
    if (typeof schema !== "object" || schema === null || Array.isArray(schema))
      throw new Error("it is no object");
    const isNew = "$schema" in schema && String(schema.$schema).includes("2020-12");
    // A keyword that is misspelt would let everything pass.
    const options = { strict: true, strictTypes: false, strictTuples: false, strictRequired: false } as const;
    const ajv = isNew ? new Ajv2020(options) : new Ajv(options);
    formats.default.default(ajv);
    return ajv.compile(schema);
  } catch (error) {
    throw refuse(`is no JSON schema that can be used (${oneLine(messageOf(error), 300)}); mend it`);
  }
}

function problemOf(document: string, validate: ValidateFunction | null): string | null {
  if (document.length > DOCUMENT_CHARS_MAX) return "is larger than 4 MiB, and was not read as JSON";
  let value: unknown;
  try {
    value = JSON.parse(document);
  } catch (error) {
    return `is no JSON (${oneLine(messageOf(error), 200)})`;
  }
  try {
    if (validate === null || validate(value)) return null;
  } catch (error) {
    // A schema that refers to itself goes as deep as the document.
    if (error instanceof RangeError) return "is nested too deeply to be held against its schema";
    throw error;
  }
  const [first] = validate.errors ?? [];
  const where = first === undefined || first.instancePath === "" ? "it" : first.instancePath;
  return `does not fit its schema: ${oneLine(`${where} ${first?.message ?? "is refused"}`, 200)}`;
}
