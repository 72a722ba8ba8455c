import { writeSync } from "node:fs";
import { addToMeta } from "../../../src/store/meta.ts";
import { openPostgresStore } from "../../../src/store/postgres/open.ts";
import { rememberCommit } from "../../../src/store/store.ts";

/** `node bought-and-said.ts URL SCHEMA STATE`: two sections, of which the second buys, and says when it was told of each. */
const [url = "", schema = "", state = ""] = process.argv.slice(2);

const store = await openPostgresStore({ url, schema }, { state });
await store.atomically((trx) => addToMeta(trx, "forgotten_jobs_done", 1));
writeSync(1, "done\n");
await store.atomically(async (trx) => {
  rememberCommit(trx);
  await addToMeta(trx, "forgotten_jobs_done", 1);
});
writeSync(1, "bought\n");
await store.close();
