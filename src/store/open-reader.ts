import { existsSync } from "node:fs";
import type { StatePlace } from "./open.ts";
import type { Reader } from "./reader.ts";
import { openReader } from "./sqlite/open-reader.ts";

/**
 * Opens the state to look at it; null where no file is there yet. Nothing of PostgreSQL is loaded where there is no fleet.
 * @throws StoreRefused when it cannot be read, and StoreUnreachable (exit 69) where the database is away.
 */
export async function openReaderAt({ path, target }: StatePlace): Promise<Reader | null> {
  if (target === null) return existsSync(path) ? openReader(path) : null;
  const { openPostgresReader } = await import("./postgres/open-reader.ts");
  return openPostgresReader(target);
}
