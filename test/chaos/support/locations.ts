import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Deployment } from "../../support/afk.ts";

/** Every place where text may have got to, by name. */
export interface Locations {
  /** Logs, tables, raw bytes of the database, files. */
  told: Record<string, string>;
  /** What the owner asked for: digests, and the items and completions that they are made of. */
  content: Record<string, string>;
}

/** Columns that hold content: what sources sent and models wrote, and not what afk says of them. */
const CONTENT = new Set([
  "steps.result",
  "outputs.content",
  "http_cache.body",
  "results.report",
  "digest_items.title",
  "digest_items.summary",
]);

/** All that a deployment keeps. */
export function locationsOf(target: Deployment): Locations {
  const locations: Locations = { told: {}, content: {} };
  for (const [name, text] of Object.entries(target.outputs())) locations.content[`out/${name}`] = text;
  for (const name of readdirSync(join(target.state, "logs"))) {
    locations.told[`logs/${name}`] = readFileSync(join(target.state, "logs", name), "utf8");
  }
  const tables = target.query<{ name: string }>("select name from sqlite_schema where type = 'table'");
  for (const { name } of tables) {
    for (const row of target.query(`select * from "${name}"`)) {
      for (const [column, value] of Object.entries(row)) {
        const place = `${name}.${column}`;
        const into = CONTENT.has(place) ? locations.content : locations.told;
        const text = value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : String(value);
        into[place] = `${into[place] ?? ""}\n${text}`;
      }
    }
  }
  return locations;
}

/** The bytes of the database's files as they are on disk, freed pages included. */
export function rawBytes(target: Deployment): Record<string, string> {
  const files = ["afk.db", "afk.db-wal"].filter((name) => existsSync(join(target.state, name)));
  return Object.fromEntries(
    files.map((name) => [name, readFileSync(join(target.state, name)).toString("latin1")]),
  );
}

/** Where a secret stands, raw, URL-encoded, in base64 or escaped as JSON: `place: form`. */
export function leaksOf(secret: string, locations: Record<string, string>): string[] {
  const forms: Record<string, string> = {
    raw: secret,
    url: encodeURIComponent(secret),
    json: JSON.stringify(secret).slice(1, -1),
    base64: Buffer.from(secret).toString("base64").replace(/=+$/, "").slice(0, -1),
  };
  return Object.entries(locations).flatMap(([place, text]) =>
    Object.entries(forms)
      .filter(([, form]) => text.includes(form))
      .map(([form]) => `${place}: ${form}`),
  );
}
