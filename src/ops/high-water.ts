import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Outbox } from "../alerts/outbox.ts";
import type { Clock } from "../lib/clock.ts";
import { messageOf } from "../lib/errors.ts";
import { setKill } from "../rails/kill.ts";
import { writeDurably } from "../store/durable-file.ts";
import { readMeta, writeMeta } from "../store/meta.ts";
import type { Trx } from "../store/schema.ts";
import { withBallast } from "../store/sqlite/ballast.ts";
import { refuseSpecialFile } from "../store/sqlite/errors.ts";
import type { Store } from "../store/store.ts";

/**
 * The database counts its generations, and a small file beside it holds the highest one that was reached. A database
 * that is behind the file is an older copy: its counters have forgotten what was spent since.
 */
export async function raiseHighWater(store: Store, path: string): Promise<void> {
  await keepMark(path, await store.atomically(nextGeneration));
}

/** Counts the next generation in a transaction that writes something else besides; once committed, it goes to `keepMark`. */
export async function nextGeneration(trx: Trx): Promise<number> {
  const next = (await readMeta(trx, "generation")) + 1;
  await writeMeta(trx, "generation", next);
  return next;
}

/**
 * Writes the mark: after the commit, so that the file is never ahead of its own database. Synced, since a name that got
 * to the disk before its bytes leaves a mark that cannot be read, which would stop the agent after a power cut.
 */
export async function keepMark(path: string, generation: number): Promise<void> {
  const mark = `${JSON.stringify({ generation })}\n`;
  await withBallast(dirname(path), async () => writeDurably(path, mark));
}

/**
 * Sets the kill switch when the database is older than the mark; `afk resume` says that this is meant.
 * @returns true when it was.
 */
export async function checkHighWater(
  store: Store,
  outbox: Outbox,
  path: string,
  clock: Clock,
): Promise<boolean> {
  const mark = readMark(path);
  const generation = await readMeta(store.db, "generation");
  if (mark.generation <= generation) return false;
  const found =
    mark.problem ?? `the database is at generation ${generation}, and ${path} has seen ${mark.generation}`;
  const reason = `the database is an older copy (${found}): it has forgotten what was spent since`;
  await store.atomically(async (trx) => {
    await setKill(trx, outbox.announce, reason, clock.nowMs());
    // Told once: from here on the database stands at the mark.
    await writeMeta(trx, "generation", Number.isFinite(mark.generation) ? mark.generation : generation + 1);
    await outbox.announce(trx, {
      event: "state_rolled_back",
      title: "The state is an older copy",
      message: `${reason}. No model is called. If you put it back on purpose, reconcile the ledger and then: afk resume`,
      subject: "",
      occurrence: `${mark.generation}:${generation}`,
    });
  });
  await raiseHighWater(store, path);
  return true;
}

/** A mark that is there and cannot be read counts as higher than any database: what is unclear about money refuses. */
export function readMark(path: string): { generation: number; problem?: string } {
  try {
    refuseSpecialFile(path);
    const { generation } = JSON.parse(readFileSync(path, "utf8"));
    if (Number.isSafeInteger(generation) && generation >= 0) return { generation };
    return { generation: Number.POSITIVE_INFINITY, problem: `${path} holds no generation` };
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT") return { generation: 0 };
    return { generation: Number.POSITIVE_INFINITY, problem: `${path} cannot be read: ${messageOf(error)}` };
  }
}
