import { randomBytes } from "node:crypto";
import { onTestFinished } from "vitest";
import { type Postgres, type PostgresOptions, startPostgres } from "./server.ts";

/** A server that ends with the test: for what stops, kills or promotes it. Most tests want `freshDatabase`. */
export async function postgres(options: PostgresOptions = {}): Promise<Postgres> {
  const server = await startPostgres(options);
  onTestFinished(() => server.close());
  return server;
}

/** Shared by all files of a worker, which vitest runs in one process; kept there in case it loads this module twice. */
const KEY = Symbol.for("afk.test.postgres");
const holder = globalThis as { [KEY]?: Promise<Postgres> };

/** The server of this worker, which lives as long as the worker does. Nobody stops it or changes its settings. */
export function sharedPostgres(): Promise<Postgres> {
  holder[KEY] ??= startPostgres();
  return holder[KEY];
}

/** The URL of an empty database that goes away with the test. */
export async function freshDatabase(): Promise<string> {
  const server = await sharedPostgres();
  const name = `test_${randomBytes(6).toString("hex")}`;
  const url = await server.createDatabase(name);
  onTestFinished(() => server.dropDatabase(name));
  return url;
}
