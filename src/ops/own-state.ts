import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../config/config.ts";
import { ConfigError } from "../config/errors.ts";
import { type Clock, systemClock } from "../lib/clock.ts";
import { AfkError, EXIT } from "../lib/errors.ts";
import { makePrivateFolder } from "../lib/private-files.ts";
import { openStoreAt } from "../store/open.ts";
import type { Db, Trx } from "../store/schema.ts";
import { peekOwner } from "../store/sqlite/open-reader.ts";
import type { Store } from "../store/store.ts";
import { refuseUnmoved } from "./forgotten-database.ts";

/** The state belongs to an agent of another name: with it one budget would be two agents', or one agent's budget lost. */
export class OthersState extends AfkError {
  constructor(config: Config, owner: string) {
    const { state, configFile } = config.paths;
    super(
      "others_state",
      `the state in ${state} belongs to the agent ${owner}, and ${configFile} names ${config.agent}; nothing was done. ` +
        `If ${config.agent} is another agent, give it a folder of its own: --state DIR or AFK_STATE. If it is the same agent with a new name: afk adopt`,
      { retry: "never", exitCode: EXIT.config },
    );
  }
}

/** The agent that the state belongs to; null for one that no agent has opened yet. */
export async function readOwner(db: Db): Promise<string | null> {
  const row = await db.selectFrom("owners").select("agent").orderBy("id", "desc").limit(1).executeTakeFirst();
  return row?.agent ?? null;
}

/** Gives the state to an agent; to whom it belonged before stays written down. */
export async function setOwner(trx: Trx, agent: string, nowMs: number): Promise<void> {
  await trx.insertInto("owners").values({ agent, since_at: nowMs }).execute();
}

/** Whose state it is. @throws OthersState when it is not this agent's. */
export async function refuseOthers(db: Db, config: Config): Promise<string | null> {
  const owner = await readOwner(db);
  if (owner !== null && owner !== config.agent) throw new OthersState(config, owner);
  return owner;
}

/**
 * Opens the state of this agent, and of no other. A state that nobody has opened yet is its from then on.
 * @throws OthersState (exit 78), StoreRefused.
 */
export async function openState(
  config: Config,
  options: {
    clock?: Clock | undefined;
    patienceMs?: number | undefined;
    open?: typeof openStoreAt | undefined;
  } = {},
): Promise<Store> {
  await refuseUnmoved(config);
  // SQLite's own file makes it else. Without it nobody could stop this machine by a file, which counts as stopped.
  if (config.database !== null) makePrivateFolder(config.paths.state);
  const { open = openStoreAt } = options;
  const store = await open({ path: config.paths.database, target: config.database }, options.patienceMs);
  try {
    if ((await refuseOthers(store.db, config)) === null) {
      const nowMs = (options.clock ?? systemClock).nowMs();
      // Asked once more inside: of two agents that meet here, one is first.
      await store.atomically(async (trx) => {
        if ((await refuseOthers(trx, config)) === null) await setOwner(trx, config.agent, nowMs);
      });
    }
    return store;
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** A state of this agent, or of nobody known, lies where earlier versions kept it. */
export class FormerState extends ConfigError {}

/**
 * Earlier versions had the state in the folder in which they were started. Where it still is there and none is beside
 * afk.yaml, a new one would be a new and empty budget, without a word.
 * @throws FormerState (exit 78)
 */
export function refuseFormerState({ agent, paths }: Config, cwd: string): void {
  const former = join(cwd, "state");
  const database = join(former, "afk.db");
  if (former === paths.state || existsSync(paths.database) || !existsSync(database)) return;
  const owner = peekOwner(database);
  if (owner !== null && owner !== agent) return;
  const message =
    `there is a state in ${former}, where earlier versions kept it, and none in ${paths.state}, beside the configuration, ` +
    `where this one does. If it is of this agent, stop its worker (afk stop --state ${former}) and move it: mv ${former} ${paths.state} ` +
    `(or name it with --state or AFK_STATE). If it is another agent's, move it beside that one's afk.yaml`;
  throw new FormerState(paths.configFile, [{ path: "state", message }]);
}
