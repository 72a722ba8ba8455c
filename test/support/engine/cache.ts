import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** What takes long to make or to fetch, kept from run to run in the user's cache folder. */
const FOLDER = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "afk-test");

/**
 * The path of the archive `name` that was made of `ingredients`; `make` writes it to the path that it is given when it is
 * not there. Archives of the same name from other ingredients are deleted.
 */
export function cached(
  name: string,
  ingredients: readonly string[],
  make: (path: string) => Promise<unknown>,
): Promise<string> {
  return kept({ name, suffix: ".tar" }, ingredients, make);
}

/** The same for a folder, which `make` fills where it is told to; what it holds must not know its own path. */
export function cachedFolder(
  name: string,
  ingredients: readonly string[],
  make: (path: string) => Promise<unknown>,
): Promise<string> {
  return kept({ name, suffix: ".folder" }, ingredients, make);
}

async function kept(
  { name, suffix }: { name: string; suffix: string },
  ingredients: readonly string[],
  make: (path: string) => Promise<unknown>,
): Promise<string> {
  const key = createHash("sha256").update(JSON.stringify(ingredients)).digest("hex").slice(0, 16);
  const path = join(FOLDER, `${name}-${key}${suffix}`);
  if (existsSync(path)) return path;
  mkdirSync(FOLDER, { recursive: true });
  const unfinished = `${path}.${process.pid}`;
  try {
    await make(unfinished);
    for (const old of readdirSync(FOLDER)) {
      if (old.startsWith(`${name}-`) && old.endsWith(suffix))
        rmSync(join(FOLDER, old), { recursive: true, force: true });
    }
    renameSync(unfinished, path);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
  return path;
}

/** An ingredient of what is made of Debian's packages: nothing cached is long without its security updates. */
export function thisMonth(): string {
  return new Date().toISOString().slice(0, 7);
}
