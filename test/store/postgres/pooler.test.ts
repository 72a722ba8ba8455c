// @module-tag processes
// @module-tag slow
import { describe, expect, test } from "vitest";
import { readMeta } from "../../../src/store/meta.ts";
import { postgresProblem } from "../../support/postgres/binaries.ts";
import { pgBouncerProblem, startPgBouncer } from "../../support/postgres/pgbouncer.ts";
import { forTest, freshDatabase, sharedPostgres } from "../../support/postgres/shared.ts";
import { postgresStore } from "../../support/postgres/state.ts";
import { count } from "./sections-on.ts";

const problem = postgresProblem() ?? pgBouncerProblem();
const skipped = problem === null ? "" : ` -- skipped: ${problem}`;

describe.skipIf(problem !== null)(`behind a pooler of transactions${skipped}`, () => {
  test("schemas of two agents are made, read and written by sessions that change hands", async () => {
    const direct = await freshDatabase();
    const bouncer = await forTest(startPgBouncer(await sharedPostgres()));
    const url = bouncer.url(direct);
    const schemas = ["afk_one", "afk_other"];
    const stores = await Promise.all(
      [...schemas, ...schemas].map((schema) => postgresStore({ url, schema })),
    );
    await Promise.all(
      stores.flatMap((store) =>
        Array.from({ length: 20 }, async (_, number) => {
          await store.atomically((trx) => count(trx));
          if (number % 4 === 0) await readMeta(store.db, "generation");
        }),
      ),
    );
    for (const store of stores) expect(await readMeta(store.db, "generation")).toBe(40);
  });
});
