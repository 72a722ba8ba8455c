import { hash } from "node:crypto";
import { statSync } from "node:fs";
import type { ValidateFunction } from "ajv";
import { readBounded } from "../../config/environment.ts";
import { messageOf } from "../../lib/errors.ts";
import { oneLine } from "../../lib/text.ts";
import { PermanentFailure } from "../../queue/job.ts";

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
  const refuse = (problem: string) =>
    new PermanentFailure("expect_schema", `expect.json.schema ${path} ${problem}`);
  const text = readSchema(path, refuse);
  const key = hash("sha256", text);
  const validate = compiled.get(key) ?? (await compile(text, refuse));
  if (compiled.size >= SCHEMAS_KEPT) compiled.clear();
  compiled.set(key, validate);
  return (document) => problemOf(document, validate);
}

function readSchema(path: string, refuse: (problem: string) => PermanentFailure): string {
  let bytes: Buffer;
  try {
    if (!statSync(path).isFile()) throw refuse("is no file; write the path of one");
    bytes = readBounded(path, SCHEMA_BYTES_MAX + 1);
  } catch (error) {
    if (error instanceof PermanentFailure) throw error;
    throw refuse(`cannot be read (${messageOf(error)}); make it, or mend its path in afk.yaml`);
  }
  if (bytes.length > SCHEMA_BYTES_MAX) throw refuse("is larger than 256 KiB; write a smaller one");
  return bytes.toString("utf8");
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
  if (validate === null || validate(value)) return null;
  const [first] = validate.errors ?? [];
  const where = first === undefined || first.instancePath === "" ? "it" : first.instancePath;
  return `does not fit its schema: ${oneLine(`${where} ${first?.message ?? "is refused"}`, 200)}`;
}
