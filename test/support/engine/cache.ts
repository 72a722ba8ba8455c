import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** Archives of file systems and images that take long to make, kept from run to run in the user's cache folder. */
const FOLDER = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "afk-test");

/**
 * The path of the archive `name` that was made of `ingredients`; `make` writes it to the path that it is given when it is
 * not there. Archives of the same name from other ingredients are deleted.
 */
export async function cached(
  name: string,
  ingredients: readonly string[],
  make: (path: string) => Promise<unknown>,
): Promise<string> {
  const key = createHash("sha256").update(JSON.stringify(ingredients)).digest("hex").slice(0, 16);
  const path = join(FOLDER, `${name}-${key}.tar`);
  if (existsSync(path)) return path;
  mkdirSync(FOLDER, { recursive: true });
  const unfinished = `${path}.${process.pid}`;
  try {
    await make(unfinished);
    for (const old of readdirSync(FOLDER)) {
      if (old.startsWith(`${name}-`) && old.endsWith(".tar")) rmSync(join(FOLDER, old));
    }
    renameSync(unfinished, path);
  } finally {
    rmSync(unfinished, { force: true });
  }
  return path;
}

/** An ingredient of what is made of Debian's packages: nothing cached is long without its security updates. */
export function thisMonth(): string {
  return new Date().toISOString().slice(0, 7);
}
