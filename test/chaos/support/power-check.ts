import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { sql } from "kysely";
import { countersAgree } from "../../../src/ops/counters.ts";
import { checkHighWater } from "../../../src/ops/high-water.ts";
import { publishPending } from "../../../src/queue/publish.ts";
import { openStore } from "../../../src/store/sqlite/open.ts";
import type { Store } from "../../../src/store/store.ts";
import { railsOn } from "../../support/rails-on.ts";
import type { Acknowledged } from "./acknowledged.ts";

/** How far an entry or a job has come; what was acknowledged may be overtaken, never undone. */
const ORDER = ["reserved", "sending", "settled", "unknown", "released"];
const JOB_ORDER = ["ready", "running", "done"];

/** What is wrong with the state in `dir`, opened by afk after a power cut. `lost` are acknowledged commits. */
export async function checkAfterCut(
  dir: string,
  acknowledged: readonly Acknowledged[],
): Promise<{ lost: string[]; wrong: string[] }> {
  const store = await openStore(join(dir, "afk.db"));
  try {
    return { lost: await lostOf(store, acknowledged), wrong: await wrongWith(store, dir, acknowledged) };
  } finally {
    await store.close();
  }
}

async function lostOf({ db }: Store, acknowledged: readonly Acknowledged[]): Promise<string[]> {
  const ledger = new Map(
    (await db.selectFrom("ledger").select(["id", "state"]).execute()).map((row) => [row.id, row.state]),
  );
  const jobs = new Map(
    (await db.selectFrom("jobs").select(["key", "state"]).execute()).map((row) => [row.key, row.state]),
  );
  const steps = new Set(
    (await db.selectFrom("steps").select(["job_id", "name"]).execute()).map((row) => row.job_id + row.name),
  );
  const outputs = new Map(
    (await db.selectFrom("outputs").select(["name", "state"]).execute()).map((row) => [row.name, row.state]),
  );
  const isLost = (each: Acknowledged): boolean => {
    switch (each.type) {
      case "ledger":
        return rank(ORDER, ledger.get(each.id)) < rank(ORDER, each.state);
      case "job":
        return rank(JOB_ORDER, jobs.get(each.key)) < rank(JOB_ORDER, each.state);
      case "step":
        return !steps.has(each.jobId + each.name);
      case "published":
        return outputs.get(each.name) !== "published";
      case "mark":
        return false;
    }
  };
  return acknowledged.filter(isLost).map((each) => JSON.stringify(each));
}

async function wrongWith(
  store: Store,
  dir: string,
  acknowledged: readonly Acknowledged[],
): Promise<string[]> {
  const { db } = store;
  const wrong = await countersAgree(db);
  const { rows } = await sql<{ integrity_check: string }>`pragma integrity_check`.execute(db);
  if (rows[0]?.integrity_check !== "ok") wrong.push(`integrity: ${JSON.stringify(rows)}`);
  const keys = await sql`pragma foreign_key_check`.execute(db);
  if (keys.rows.length > 0) wrong.push(`foreign keys: ${JSON.stringify(keys.rows)}`);
  const rails = railsOn(store, dir);
  if (await checkHighWater(store, rails.outbox, join(dir, "high-water.json"), rails.clock))
    wrong.push("a power cut is taken for an older copy of the database");
  wrong.push(...(await wrongFiles(store, dir, acknowledged)));
  await publishPending(db, join(dir, "out"), 1);
  wrong.push(...(await wrongFiles(store, dir, acknowledged)).map((each) => `after publishing: ${each}`));
  if (filesIn(dir).length < (await db.selectFrom("outputs").select("name").execute()).length)
    wrong.push("publishing left something out");
  return wrong;
}

/** A published file is there; a file that is there is whole. */
async function wrongFiles(
  { db }: Store,
  dir: string,
  acknowledged: readonly Acknowledged[],
): Promise<string[]> {
  const outputs = await db.selectFrom("outputs").select(["name", "content", "state"]).execute();
  const files = new Set(filesIn(dir));
  const wrong: string[] = [];
  for (const each of acknowledged) {
    if (each.type === "published" && !files.has(each.name))
      wrong.push(`${each.name} was published and is gone`);
  }
  for (const { name, content, state } of outputs) {
    if (state === "published" && !files.has(name)) wrong.push(`${name} is marked published and is not there`);
    if (files.has(name) && readFileSync(join(dir, "out", name), "utf8") !== content)
      wrong.push(`${name} is not whole`);
    files.delete(name);
  }
  for (const name of files) wrong.push(`${name} is in out/ and nobody knows it`);
  return wrong;
}

function filesIn(dir: string): string[] {
  if (!existsSync(join(dir, "out"))) return [];
  return readdirSync(join(dir, "out")).filter((name) => !name.startsWith("."));
}

/** Settled, unknown and released are all ends: any of them is as far as one gets. */
function rank(order: readonly string[], state: string | undefined): number {
  return state === undefined ? -1 : Math.min(order.indexOf(state), 2);
}
