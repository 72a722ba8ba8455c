import { dirname } from "node:path";
import type { DatabaseTarget } from "../lib/database-target.ts";
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
  return await openPostgresStore(target, { state: dirname(path), patienceMs });
}
