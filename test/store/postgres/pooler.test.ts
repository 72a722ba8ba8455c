// @module-tag processes
// @module-tag slow
import { Client } from "pg";
import { describe, expect, onTestFinished, test } from "vitest";
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
    expect(await counts(await pooled())).toEqual([40, 40, 40, 40]);
  });

  test("would be mixed up, if a session were told once which schema is its own", async () => {
    expect(await counts(await freshDatabase(), tellOnce)).toEqual([40, 40, 40, 40]);
    // By chance each of them may keep its session for a whole round.
    let isMixedUp = false;
    for (let round = 0; round < 5 && !isMixedUp; round++)
      isMixedUp = (await counts(await pooled(), tellOnce)).some((found) => found !== 40);
    expect(isMixedUp).toBe(true);
  });
});

async function pooled(): Promise<string> {
  const direct = await freshDatabase();
  return (await forTest(startPgBouncer(await sharedPostgres()))).url(direct);
}

/** As most programs do it: the setting is the session's, and made when it begins. Gives what takes the fault out again. */
function tellOnce(): () => void {
  const { query } = Client.prototype;
  const told = new WeakSet<Client>();
  const planted = function (this: Client, text: unknown, ...rest: unknown[]): unknown {
    const of = (setting: string) => (told.has(this) ? "select 1" : setting.replace("set local", "set"));
    const isSetting = typeof text === "string" && text.includes("set local search_path");
    const sent = isSetting ? text.replace(/set local search_path to "\w+"/, of) : text;
    if (isSetting) told.add(this);
    return (query as (...all: unknown[]) => unknown).call(this, sent, ...rest);
  };
  Client.prototype.query = planted as typeof query;
  return () => {
    Client.prototype.query = query;
  };
}

/** What each of two processes of two agents finds in its schema, after all have added to it; null where one failed. */
async function counts(
  url: string,
  plant: () => () => void = () => () => undefined,
): Promise<(number | null)[]> {
  const schemas = ["afk_one", "afk_other"];
  const stores = await Promise.all([...schemas, ...schemas].map((schema) => postgresStore({ url, schema })));
  const uproot = plant();
  onTestFinished(uproot);
  const added = await Promise.allSettled(
    stores.map(async (store) => {
      // One after the other: those that wait would share a transaction.
      for (let number = 0; number < 20; number++) {
        await store.atomically((trx) => count(trx));
        if (number % 4 === 0) await readMeta(store.db, "generation");
      }
    }),
  );
  uproot();
  const isWhole = added.every(({ status }) => status === "fulfilled");
  return await Promise.all(stores.map(async ({ db }) => (isWhole ? await readMeta(db, "generation") : null)));
}
