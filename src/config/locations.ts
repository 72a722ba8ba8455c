import { lstatSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { AfkError, EXIT } from "../lib/errors.ts";
import type { Environment } from "./environment.ts";

/** Where an agent lies. All absolute. */
export interface Paths {
  configFile: string;
  /** The folder that holds afk.yaml; relative paths in it start here. */
  base: string;
  /** The state directory. */
  state: string;
  database: string;
  lock: string;
  /** Who this machine is in a fleet (runner/machines/identity.ts). */
  machine: string;
  /** Held by the process that serves `gateway.listen`. */
  gatewayLock: string;
  /** Held by the process that reads what the phone sends. */
  remoteLock: string;
  /** Holds the highest generation the database has reached (ops/high-water.ts). */
  highWater: string;
  out: string;
  logs: string;
  runs: string;
  /** Folders of programs that jobs run, each for the length of one run. */
  homes: string;
  /** Copies of repositories that agents work on. */
  repos: string;
  /** The STOP file: KILL_FLAG, or `STOP` in the state directory. */
  stopFile: string;
}

/**
 * Where afk looks for an agent, without reading afk.yaml: the kill switch must be settable when that is refused. The state
 * lies beside afk.yaml unless somebody says otherwise: were it found by the folder in which a command happens to be typed,
 * one agent would have a budget in each of them.
 */
export function locate(options: {
  environment: Environment;
  /** `--config`; else AFK_CONFIG, else ./afk.yaml. */
  configFile?: string | undefined;
  /** `--state`; else AFK_STATE, else `state` beside afk.yaml. */
  state?: string | undefined;
  cwd: string;
}): Paths {
  const { environment, cwd } = options;
  const absolute = (path: string) => resolve(cwd, expandHome(path, environment));
  const configFile = absolute(options.configFile || environment.AFK_CONFIG || "afk.yaml");
  const stated = options.state || environment.AFK_STATE;
  const state = stated ? absolute(stated) : join(dirname(configFile), "state");
  return {
    configFile,
    base: dirname(configFile),
    state,
    database: join(state, "afk.db"),
    lock: join(state, "lock.db"),
    machine: join(state, "machine.json"),
    gatewayLock: join(state, "gateway-lock.db"),
    remoteLock: join(state, "remote-lock.db"),
    highWater: join(state, "high-water.json"),
    out: join(state, "out"),
    logs: join(state, "logs"),
    runs: join(state, "runs"),
    homes: join(state, "homes"),
    repos: join(state, "repos"),
    stopFile: environment.KILL_FLAG ? absolute(environment.KILL_FLAG) : join(state, "STOP"),
  };
}

/** A shell puts the home folder in the place of `~`; unit files, crontabs and env files do not. */
export function expandHome(path: string, environment: Environment): string {
  if (path !== "~" && !path.startsWith("~/")) return path;
  return join(environment.HOME || homedir(), path.slice(1));
}

/** A path of afk.yaml that whoever reads it resolves: with the home folder in the place of `~`. */
export function fromHome(path: string): string {
  return expandHome(path, {});
}

/** What is wrong with `~name/…`, which only a shell can expand; null for any other path. */
export function otherHomeProblem(path: string): string | null {
  if (!/^~[^/]/.test(path)) return null;
  return `found ${JSON.stringify(path)}; afk expands ~/ alone, so write the whole path`;
}

/** There is neither an afk.yaml nor a state where afk looked: nothing was made. Exit code 66. */
export class NoAgent extends AfkError {
  constructor({ configFile, state }: Paths) {
    const message =
      `there is no agent here: neither ${configFile} nor a state in ${state}; nothing was done. ` +
      "Go to the folder of its afk.yaml, or name that file with --config or AFK_CONFIG (afk init makes a new one)";
    super("no_agent", message, { retry: "never", exitCode: EXIT.noAgent });
  }
}

/** @throws NoAgent where there is certainly none; what may not be looked at may well be one. */
export function refuseNoAgent(found: Paths): void {
  // The state of a fleet's machine is in a database, which the file's absence does not say.
  const machine = join(found.state, "machine.json");
  const isThere = [found.configFile, found.database, machine].some(mayBeThere);
  if (!isThere) throw new NoAgent(found);
}

function mayBeThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return true;
  }
}
