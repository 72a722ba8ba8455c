import { mkdirSync } from "node:fs";
import { sql } from "kysely";
import type { Config } from "../../../src/config/config.ts";
import { closing } from "../../../src/lib/closing.ts";
import type { DatabaseTarget } from "../../../src/lib/database-target.ts";
import { openStore } from "../../../src/store/sqlite/open.ts";
import { rowsOf } from "../../../src/store/sqlite/rows.ts";
import { load, withBase } from "../../config/support.ts";
import { PREPARED_CONFIG, prepareDatabase } from "../../dashboard/prepared.ts";
import { freshDatabase } from "../../support/postgres/shared.ts";
import { reserved, testRails } from "../../support/rails.ts";

const SCHEMA = "afk_moved";

/** A stopped agent with a row in every table that matters, and a database without a schema for it. */
export async function stopped() {
  const target: DatabaseTarget = { url: await freshDatabase(), schema: SCHEMA };
  const config: Config = load(withBase({ agent: PREPARED_CONFIG.agent }));
  mkdirSync(config.paths.state, { recursive: true });
  await prepareDatabase(config.paths.database, { isCalm: false });
  await closing(await openStore(config.paths.database), (store) =>
    store.atomically(async (trx) => {
      // What it has spent is told by counters that agree with it.
      for (const table of ["ledger", "ledger_days", "budget_windows"] as const)
        await trx.deleteFrom(table).execute();
      await trx.insertInto("owners").values({ agent: config.agent, since_at: 5 }).execute();
      await trx
        .insertInto("meta")
        .values({ key: "te\0xt" as never, value: 2 })
        .execute();
    }),
  );
  const rails = await testRails({ dir: config.paths.state });
  for (let cents = 1; cents <= 3; cents++) await reserved(rails, cents * 10_000);
  await rails.store.close();
  return { target, config, ...config.paths };
}

/** All rows of a state in a file, but for what is of its machine. */
export const allOf = async (path: string) =>
  await closing(await openStore(path), async ({ db }) => {
    const rows = await sql<{ name: string }>`select name from sqlite_master where type = 'table'`.execute(db);
    const names = rows.rows.map(({ name }) => name).filter((name) => !/^(kysely|sqlite)_|^gate$/.test(name));
    const found: Record<string, unknown[]> = {};
    for (const name of names.sort()) {
      found[name] = [];
      for await (const part of rowsOf(db)(name as never)) found[name].push(...part);
      found[name] = found[name].map((row) => JSON.stringify(row).replaceAll("\\u0000", "\uFFFD")).sort();
    }
    return found;
  });
