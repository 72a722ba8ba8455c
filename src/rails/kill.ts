import type { Announce } from "../alerts/outbox.ts";
import { toIso } from "../lib/clock.ts";
import { endOfError } from "../lib/text.ts";
import { StateReplaced } from "../store/errors.ts";
import { prepared } from "../store/prepared.ts";
import type { Db, Trx } from "../store/schema.ts";
import { hintOthers, type Store } from "../store/store.ts";
import type { Kill } from "./halt.ts";
import { readStopFile, readStopFileOnce, removeStopFile } from "./stop-file.ts";

/**
 * A state whose files are not the ones that this process opened counts as stopped: its switch may be set where this process
 * does not look, and its money spent by somebody whom it does not see.
 */
export function readReplaced(store: Pick<Store, "health">): Kill | null {
  const replaced = store.health.replaced();
  if (replaced === null) return null;
  return {
    by: "file",
    at: replaced.at,
    reason: `${replaced.what} while this process had it open`,
    remedy:
      "stop every worker before files of the state are moved, then start afk on the ones that are right",
  };
}

/**
 * First in a section by which somebody is told that something holds from now on: one that has waited for a move or a restore would
 * write it into a file that nobody works with. @throws StateReplaced
 */
export function refuseElsewhere(store: Pick<Store, "health">): void {
  const replaced = readReplaced(store);
  if (replaced !== null) throw new StateReplaced(`${replaced.reason}; nothing was written`);
}

/** Everything that stops this process: its files, and the kill switch as `db`, which may be a transaction, sees it. */
export async function readStop(
  rails: { store: Store; stopFile: string },
  db: Db = rails.store.latest,
): Promise<Kill | null> {
  return readReplaced(rails.store) ?? (await readKill(db, rails.stopFile));
}

/** As readStop, for the gates: requests of one turn look at the file together, and the last look before each first byte is its own. */
export async function readStopAtGate(
  rails: { store: Store; stopFile: string },
  trx: Trx,
): Promise<Kill | null> {
  return readReplaced(rails.store) ?? readStopFileOnce(rails.stopFile) ?? (await readKillRow(trx));
}

/** The kill switch as it stands: the file first, since it needs no database to be set. */
export async function readKill(db: Db, stopFile: string): Promise<Kill | null> {
  return readStopFile(stopFile) ?? (await readKillRow(db));
}

/** The kill switch that the database holds; null when it is off. */
export async function readKillRow(db: Db): Promise<Kill | null> {
  const [row] = (await selectRow(db, {})).rows;
  // A table without its row is damaged state: refuse.
  if (row === undefined)
    return { by: "row", at: 0, reason: "the kill switch's row is missing from the database" };
  if (row.set_at === null) return null;
  return { by: "row", at: row.set_at, reason: row.reason ?? "no reason given" };
}

const selectRow = prepared((db) => db.selectFrom("kill_switch").selectAll().where("id", "=", 1));

/** Sets the durable switch. Set twice, it keeps the first reason and moment. */
export async function setKill(trx: Trx, announce: Announce, reason: string, nowMs: number): Promise<void> {
  const result = await trx
    .updateTable("kill_switch")
    .set({ set_at: nowMs, reason })
    .where("id", "=", 1)
    .where("set_at", "is", null)
    .executeTakeFirst();
  if (result.numUpdatedRows !== 1n) return;
  await announceKill(trx, announce, { by: "row", at: nowMs, reason });
  await hintOthers(trx);
}

/**
 * Clears the row and removes the STOP file. Returns what was set.
 * @throws AfkError when the file would stay: then the row stays too, since nothing may be called clear that is set.
 */
export async function clearKill(trx: Trx, stopFile: string): Promise<Kill | null> {
  const kill = await readKill(trx, stopFile);
  // A row that is missing counts as set, and is put back.
  await trx
    .insertInto("kill_switch")
    .values({ id: 1, set_at: null, reason: null })
    .onConflict((conflict) => conflict.column("id").doUpdateSet({ set_at: null, reason: null }))
    .execute();
  removeStopFile(stopFile);
  return kill;
}

/** Tells of a switch that was found set; the same setting is told of once. */
export async function announceKill(trx: Trx, announce: Announce, kill: Kill): Promise<void> {
  const since = kill.at === 0 ? "Stopped" : `Stopped since ${toIso(kill.at)}`;
  const then = kill.remedy === undefined ? " until: afk resume" : `; ${kill.remedy}`;
  await announce(trx, {
    event: "kill_set",
    title: "Stopped by the kill switch",
    message: `${since}: ${endOfError(kill.reason)}. No model is called${then}. Look: afk status`,
    subject: kill.by,
    occurrence: await settingOf(trx, kill),
  });
}

/** What cannot be read has no moment: it is another time of that once the agent has worked in between. */
async function settingOf(trx: Trx, { at, setting }: Kill): Promise<string> {
  if (setting !== undefined) return `${at}.${setting}`;
  if (at !== 0) return String(at);
  const worked = trx.selectFrom("ticks").select("id").where("outcome", "in", ["ok", "idle"]);
  const last = await worked.orderBy("started_at", "desc").limit(1).executeTakeFirst();
  return last === undefined ? "0" : `0.${last.id}`;
}
