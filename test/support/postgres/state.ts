import { randomBytes } from "node:crypto";
import { onTestFinished } from "vitest";
import type { DatabaseTarget } from "../../../src/lib/database-target.ts";
import { openPostgresStore } from "../../../src/store/postgres/open.ts";
import type { Store } from "../../../src/store/store.ts";
import { forTest, sharedPostgres } from "./shared.ts";
import { ROLE } from "./template.ts";

const TEMPLATE = "template_of_states";
const SCHEMA = "afk_test";
/** Made once in a worker, as its server is: to migrate takes longer than most tests. */
const KEY = Symbol.for("afk.test.postgres.state");
const holder = globalThis as { [KEY]?: Promise<void> };

/** An agent's schema as the newest migration leaves it, in a database for this test alone. */
export async function freshState(): Promise<DatabaseTarget> {
  const target = await newState();
  const server = await sharedPostgres();
  onTestFinished(() => server.dropDatabase(new URL(target.url).pathname.slice(1)));
  return target;
}

/** The same for more than a test: it stays as long as this worker's server does. */
export async function newState(): Promise<DatabaseTarget> {
  holder[KEY] ??= makeTemplate();
  await holder[KEY];
  const server = await sharedPostgres();
  const name = `test_${randomBytes(6).toString("hex")}`;
  await server.query(`create database ${name} owner ${ROLE} template ${TEMPLATE}`);
  return { url: server.url(name), schema: SCHEMA };
}

async function makeTemplate(): Promise<void> {
  const server = await sharedPostgres();
  const url = await server.createDatabase(TEMPLATE);
  await (await openPostgresStore({ url, schema: SCHEMA })).close();
}

/** A real store in PostgreSQL, closed with the test. */
export async function postgresStore(target?: DatabaseTarget): Promise<Store> {
  return await forTest(openPostgresStore(target ?? (await freshState())));
}
