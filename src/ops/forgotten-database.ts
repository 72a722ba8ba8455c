import { existsSync, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Config } from "../config/config.ts";
import { ConfigError } from "../config/errors.ts";
import { systemCode } from "../lib/errors.ts";
import { StoreRefused } from "../store/errors.ts";
import { openReaderAt } from "../store/open-reader.ts";
import { peekOwner, peekUsed } from "../store/sqlite/open-reader.ts";

/** The state is in one place and the configuration names another, which would be a new and empty budget. Exit code 78. */
export class OtherPlace extends ConfigError {}

/** What a machine of a fleet keeps beside its locks. */
const OF_FLEET = ["machine.json", "fleet-mark.json"];
const MOVED = ".moved-";

/** Where `afk move` leaves a state that it has moved; a copy that nothing works with. */
export function movedName(database: string, at: string): string {
  return `${database}${MOVED}${at.replaceAll(":", "-")}`;
}

/** Where a state that comes back is written, until all of it is there. */
export function unfinishedName(database: string): string {
  return `${database}.moving`;
}

/** What is there of it, whole or not. */
export function unfinished(database: string): string[] {
  const [dir, start] = [dirname(database), basename(unfinishedName(database))];
  return namesIn(dir)
    .filter((name) => name.startsWith(start))
    .map((name) => join(dir, name));
}

/** What is in the state folder of a fleet's machine, and in no other. */
export function signsOfFleet(state: string): string[] {
  return OF_FLEET.map((name) => join(state, name)).filter((path) => existsSync(path));
}

/** States that were moved away from `database`, the newest first. */
export function findMoved(database: string): string[] {
  const [dir, start] = [dirname(database), `${basename(database)}${MOVED}`];
  return namesIn(dir)
    .filter((name) => name.startsWith(start) && MOMENT.test(name))
    .sort()
    .reverse()
    .map((name) => join(dir, name));
}

/** With which no folder can be there, or none that this user may read. */
const NO_FOLDER = ["ENOENT", "ENOTDIR", "ENAMETOOLONG", "ELOOP", "EACCES", "EPERM"];

/** None where there is no folder: whoever opens the state says that better. */
function namesIn(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch (error) {
    if (NO_FOLDER.includes(systemCode(error))) return [];
    throw error;
  }
}

/**
 * For a configuration without a database, in a state folder that a fleet's machine has worked in, or from which the state was moved
 * to one: somebody forgot DATABASE_URL, or a unit or a shell does not have it.
 * @throws OtherPlace
 */
export function refuseForgotten({ database: target, paths }: Config): void {
  if (target !== null) return;
  const [sign] = signsOfFleet(paths.state);
  const left = unfinished(paths.database)[0] ?? findMoved(paths.database)[0];
  const moved = sign === undefined && !existsSync(paths.database) ? left : undefined;
  if (sign === undefined && moved === undefined) return;
  const why =
    sign === undefined
      ? `the state of this agent was moved to PostgreSQL (what is left of it is ${moved})`
      : `this machine is one of a fleet (${sign})`;
  const message =
    `${why}, and no database is named: a state in ${paths.database} would be a new and empty budget. Set DATABASE_URL, or database.url here; ` +
    "to bring the state back, set it and say: afk move --to sqlite. If this folder is to be a new agent's, give it another: --state DIR or AFK_STATE";
  throw new OtherPlace(paths.configFile, [{ path: "database", message }]);
}

/**
 * For a configuration with a database whose schema is empty, in a state folder in which this agent has worked, or from which its
 * state was moved into another schema.
 * @throws OtherPlace, StoreUnreachable (exit 69)
 */
export async function refuseUnmoved({ agent, database: target, paths }: Config): Promise<void> {
  if (target === null) return;
  const isHere = existsSync(paths.database);
  // A machine that has worked in a fleet knows that one by its mark.
  const former = signsOfFleet(paths.state).length === 0 ? findMoved(paths.database)[0] : undefined;
  const file = isHere ? paths.database : former;
  if (file === undefined) return;
  const owner = peekOwner(file);
  if ((owner !== null && owner !== agent) || !peekUsed(file)) return;
  if (!(await isEmpty({ path: paths.database, target }))) return;
  const what = isHere
    ? `${file} holds the spend and the queue of ${agent}`
    : `the state of ${agent} was moved to PostgreSQL (${file} is what it was)`;
  const remedy = isHere
    ? "Move it: afk move --to postgres (its worker stopped)"
    : "Name the database and the schema that it was moved to (DATABASE_URL, database.schema)";
  const message = `${what}, and the schema ${target.schema} of the database is empty: it would be a new budget. ${remedy}. If the agent is to begin anew, put that file elsewhere`;
  throw new OtherPlace(paths.configFile, [{ path: "database", message }]);
}

async function isEmpty(place: Parameters<typeof openReaderAt>[0]): Promise<boolean> {
  const reader = await openReaderAt(place);
  if (reader === null) return true;
  try {
    return !(await reader.read(reader.isMigrated));
  } catch (error) {
    // Older, newer, or not to be read by this user: somebody has made it, and opening it says the rest.
    if (error instanceof StoreRefused) return false;
    throw error;
  } finally {
    await reader.close();
  }
}

const MOMENT = /\.moved-\d{4}-\d{2}-\d{2}T\d{2}-\d{2}-\d{2}\.\d{3}Z$/;
