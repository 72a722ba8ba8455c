import type { Client } from "pg";
import { onTestFinished } from "vitest";
import type { DatabaseTarget } from "../../../src/lib/database-target.ts";
import { createSections, type SectionsOptions } from "../../../src/store/postgres/sections.ts";
import { Session } from "../../../src/store/postgres/session.ts";
import type { Trx } from "../../../src/store/schema.ts";

interface Options extends Partial<SectionsOptions> {
  /** What is planted: statements of the engine as they go to the server instead. */
  plant?(sql: string): string;
}

/** Sections of a process of its own, as far as the database can tell. They end with the test. */
export function sectionsOn(target: DatabaseTarget, { plant, ...options }: Options = {}) {
  let session: Session | undefined;
  const sections = createSections({
    where: "the database",
    async session() {
      if (session === undefined || session.isLost()) {
        session = await Session.open(target);
        if (plant !== undefined) alter(session.client, plant);
      }
      return session;
    },
    onGate: async () => false,
    onCommit: async () => undefined,
    ...options,
  });
  onTestFinished(async () => {
    await sections.close();
    await session?.close();
  });
  return sections;
}

function alter(client: Client, plant: (sql: string) => string): void {
  const query = client.query.bind(client) as (sql: string, values?: unknown[]) => unknown;
  client.query = ((sql: string, values?: unknown[]) => query(plant(sql), values)) as Client["query"];
}

/** Adds to a number that was read before, as two who are not one after the other lose each other's. Gives the new one. */
export async function count(trx: Trx, key = "generation"): Promise<number> {
  const row = await trx.selectFrom("meta").select("value").where("key", "=", key).executeTakeFirst();
  const value = (row?.value ?? 0) + 1;
  await trx
    .insertInto("meta")
    .values({ key, value })
    .onConflict((conflict) => conflict.column("key").doUpdateSet({ value }))
    .execute();
  return value;
}

/** How far `count` has got. */
export async function counted(
  { run }: { run<T>(work: (trx: Trx) => Promise<T>): Promise<T> },
  key = "generation",
): Promise<number> {
  return await run(async (trx) => {
    const row = await trx.selectFrom("meta").select("value").where("key", "=", key).executeTakeFirst();
    return row?.value ?? 0;
  });
}
