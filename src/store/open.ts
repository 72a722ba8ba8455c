import { dirname, join } from "node:path";
import type { DatabaseTarget } from "../lib/database-target.ts";
import { systemCode } from "../lib/errors.ts";
import { removeDatabase } from "./sqlite/backup.ts";
import { openStore } from "./sqlite/open.ts";
import type { Store } from "./store.ts";

/** Where an agent's state is: the file, or for a fleet the database. */
export interface StatePlace {
  path: string;
  target: DatabaseTarget | null;
}

/**
 * Opens (and if need be creates and migrates) the state. Nothing of PostgreSQL is loaded where there is no fleet.
 * @throws StoreRefused, and StoreUnreachable (exit 69) where the database is away.
 */
export async function openStoreAt({ path, target }: StatePlace, patienceMs?: number): Promise<Store> {
  if (target === null) return await openStore(path, patienceMs);
  const { openPostgresStore } = await import("./postgres/open.ts");
  const state = dirname(path);
  const store = await openPostgresStore(target, { state, patienceMs });
  try {
    const pages = await openPages(join(state, "cache.db"), patienceMs);
    return {
      ...store,
      pages: pages.db,
      async close() {
        await store.close();
        await pages.close();
      },
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** One that is damaged holds nothing that could not be had again. */
async function openPages(path: string, patienceMs: number | undefined): Promise<Store> {
  try {
    return await openStore(path, patienceMs);
  } catch (error) {
    if (systemCode(error) !== "store_damaged") throw error;
    removeDatabase(path);
    return await openStore(path, patienceMs);
  }
}
