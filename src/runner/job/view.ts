import { accessSync, constants, readdirSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Config } from "../../config/config.ts";
import { isWithin, type Locked, type View } from "../../jobs/containment/enclosure.ts";
import { lockedFiles } from "./locked-files.ts";

/** Where systemd's units keep the agent's settings, its keys among them. */
const SETTINGS = "/etc/afk";
/** Of a folder's mode: whoever made a file in it may remove it, and nobody else. */
const STICKY = 0o1000;

/**
 * What programs of jobs do not see: the state, in which is all that the agent knows, afk.yaml, and every file that is known to hold
 * secrets. The folder `work` in the state is theirs. What afk itself runs by they see, and cannot change.
 */
export function viewOf(config: Config): View {
  const { paths, secretFiles, jobs, gateway } = config;
  const { base, state, configFile, stopFile } = paths;
  const envFiles = jobs.flatMap(({ envFile }) => (envFile === undefined ? [] : [resolve(base, envFile)]));
  const hidden = [
    ...[state, configFile, stopFile, ...secretFiles, ...envFiles, ...dotEnvFiles(base)],
    ...(gateway.tls === null ? [] : [gateway.tls.key]),
    ...(isWithin(base, SETTINGS) ? [] : [SETTINGS]),
  ];
  const locked = [...lockedFiles(config), ...switchFolder(stopFile, state)].filter(
    ({ path }) => isChangeable(path) || isChangeable(dirname(path)),
  );
  return {
    hidden,
    kept: [workFolder(state)],
    locked,
    pinned: foldersTo([...hidden, ...locked.map(({ path }) => path)]),
  };
}

/**
 * Whoever may write in the folder of a STOP file could remove the file before anybody has looked. A folder in which there are others
 * (a home), or which is everybody's (/tmp), cannot be taken from programs.
 */
function switchFolder(stopFile: string, state: string): Locked[] {
  const path = dirname(stopFile);
  return isWithin(path, state) || !isOwn(path) ? [] : [{ path, unlessIn: null }];
}

function isOwn(path: string): boolean {
  try {
    const isShared = (statSync(path).mode & STICKY) !== 0;
    return !isShared && readdirSync(path, { withFileTypes: true }).every((entry) => !entry.isDirectory());
  } catch {
    return false;
  }
}

/** The folder in the state that programs see and may write: in the image there is no other that lasts. */
function workFolder(state: string): string {
  return join(state, "work");
}

/** `.env`, `.env.script`, `prod.env` and the like, beside afk.yaml. */
function dotEnvFiles(base: string): string[] {
  return readdirSync(base)
    .filter((name) => /^\.env(?:\..*)?$|\.env$|^env$/.test(name))
    .map((name) => join(base, name));
}

/** The folders on the way to paths that this user could put another folder in the place of. */
function foldersTo(paths: readonly string[]): string[] {
  const folders = new Set<string>();
  for (const path of paths)
    for (let at = dirname(path); at !== dirname(at); at = dirname(at)) folders.add(at);
  return [...folders].filter((path) => isChangeable(dirname(path)));
}

/** Whether this user could write there, if need be after a chmod. */
function isChangeable(path: string): boolean {
  try {
    if (statSync(path).uid === process.getuid?.()) return true;
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
