import { readFileSync, writeFileSync } from "node:fs";
import { MIGRATIONS } from "../src/store/migrations.ts";
import { schemaAt } from "../src/store/sqlite/migrate.ts";
import { hashSchema } from "../src/store/sqlite/schema-check.ts";

/** Where the hashes of the database's schema are kept. */
export const HASHES_FILE = new URL("../src/store/sqlite/schema-hash.ts", import.meta.url);

/** The text of that file, with a hash for each migration that there is. */
export async function renderHashes(): Promise<string> {
  const names = Object.keys(MIGRATIONS);
  let lines = "";
  for (const [index, name] of names.entries()) {
    const hash = hashSchema(await schemaAt(names.slice(0, index + 1)));
    lines += `  ${JSON.stringify(name)}: "${hash}",\n`;
  }
  const [head = ""] = readFileSync(HASHES_FILE, "utf8").split("= {");
  return `${head}= {\n${lines}};\n`;
}

if (import.meta.main) writeFileSync(HASHES_FILE, await renderHashes());
