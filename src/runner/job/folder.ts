import { chmodSync, type Dirent, existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { JobConfig } from "../../config/config.ts";
import type { Paths } from "../../config/locations.ts";
import type { RunFolder } from "../../jobs/job.ts";
import { messageOf } from "../../lib/errors.ts";
import type { Log } from "../../lib/log.ts";
import { makePrivateFolder } from "../../lib/private-files.ts";

/** Makes the folder of a run, the same for every attempt at it, without what an earlier attempt left there. */
export function openRunFolder({ homes }: Pick<Paths, "homes">, job: string, log: Log): RunFolder {
  const path = join(homes, job);
  removeTree(path);
  makePrivateFolder(path);
  return { path, [Symbol.dispose]: () => removeFolder(path, log) };
}

/** Removes folders of runs whose process died. Only where no job runs. */
export function removeHomes({ homes }: Pick<Paths, "homes">, log: Log): void {
  removeFolder(homes, log);
}

/** Removes copies of repositories whose jobs were taken out of afk.yaml. */
export function removeMirrors({ repos }: Pick<Paths, "repos">, jobs: readonly JobConfig[], log: Log): void {
  const names = new Set(jobs.map(({ name }) => `${name}.git`));
  const found = existsSync(repos) ? readdirSync(repos) : [];
  for (const name of found)
    if (name.endsWith(".git") && !names.has(name)) removeFolder(join(repos, name), log);
}

/** A program may leave what its user may not remove; nothing depends on its going. */
function removeFolder(path: string, log: Log): void {
  try {
    removeTree(path);
  } catch (error) {
    log.event("warn", "gateway_failed", { error: messageOf(error) });
  }
}

/** Symbolic links are removed, and not followed. */
function removeTree(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    // Caches of modules are often folders that nobody may write to, their owner included.
    openFolders(path);
    rmSync(path, { recursive: true, force: true });
  }
}

function openFolders(path: string): void {
  let entries: Dirent[];
  try {
    chmodSync(path, 0o700);
    entries = readdirSync(path, { withFileTypes: true });
  } catch {
    // Another's, or gone: the removal that follows says so where it matters.
    return;
  }
  for (const entry of entries) if (entry.isDirectory()) openFolders(join(path, entry.name));
}
