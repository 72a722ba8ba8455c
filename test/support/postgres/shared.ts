import { randomBytes } from "node:crypto";
import { onTestFinished } from "vitest";
import { type Postgres, type PostgresOptions, startPostgres } from "./server.ts";

/** What is being started ends with the test: `await forTest(startProxy(server))`. */
export async function forTest<T extends { close(): Promise<void> }>(starting: Promise<T>): Promise<T> {
  const started = await starting;
  onTestFinished(() => started.close());
  return started;
}

/** A server that ends with the test: for what stops, kills or promotes it. Most tests want `freshDatabase`. */
export function postgres(options: PostgresOptions = {}): Promise<Postgres> {
  return forTest(startPostgres(options));
}

/** Shared by all files of a worker, which vitest runs in one process; kept there in case it loads this module twice. */
const KEY = Symbol.for("afk.test.postgres");
const holder = globalThis as { [KEY]?: Promise<Postgres> };

/** The server of this worker, which lives as long as the worker does. Nobody stops it or changes its settings. */
export function sharedPostgres(): Promise<Postgres> {
  holder[KEY] ??= startPostgres();
  return holder[KEY];
}

/** The URL of an empty database, for this test alone. */
export async function freshDatabase(): Promise<string> {
  const server = await sharedPostgres();
  const name = `test_${randomBytes(6).toString("hex")}`;
  const url = await server.createDatabase(name);
  // At once, and not many together: a drop begins with a checkpoint, which syncs the files of all databases that stay.
  onTestFinished(() => server.dropDatabase(name));
  return url;
}
