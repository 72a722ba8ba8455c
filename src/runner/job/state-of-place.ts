import { createHash } from "node:crypto";
import { readdir, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fromHome } from "../../config/locations.ts";
import { shortHash } from "../../jobs/items/identity.ts";
import type { JobContext } from "../../jobs/job.ts";
import { type OpenFile, withFile } from "../../jobs/sources/read-file.ts";
import { AfkError } from "../../lib/errors.ts";

/** Of a file; a larger one is known by its size and its date alone. */
const HASHED_BYTES_MAX = 64 * 1024 * 1024;
const CHUNK_BYTES = 1024 * 1024;
/** In a folder. What lies in folders within it is not looked at. */
const ENTRIES_MAX = 10_000;

const MISSING = "missing";

/** The state of a place as a text that differs when its content does. Behind `@` is what a file is known by without reading it. */
export const stateOf = {
  /** @throws AfkError for what is there and may not be read. */
  async path(place: string, before: string | undefined, { base, signal }: JobContext): Promise<string> {
    const path = resolve(base, fromHome(place));
    const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT" || error.code === "ENOTDIR") return null;
      throw new AfkError("only_if_failed", `only_if cannot look at ${path}: ${error.message}`, {
        cause: error,
      });
    });
    if (found === null) return MISSING;
    if (found.isDirectory()) return await stateOfFolder(path);
    const stamp = `${found.size}:${Math.floor(found.mtimeMs)}:${found.ino}`;
    if (before?.split("@")[1] === stamp) return before;
    if (found.size > HASHED_BYTES_MAX) return `${stamp}@${stamp}`;
    return `${await withFile(path, { followLinks: true }, (file) => hashOf(file, signal))}@${stamp}`;
  },

  /** @throws what `egress.fetch` throws. */
  async address(place: string, { egress, signal }: JobContext): Promise<string> {
    const page = await egress.fetch(place, { signal });
    return shortHash(page.body);
  },
};

async function hashOf({ read }: OpenFile, signal: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  for (let start = 0; start < HASHED_BYTES_MAX; ) {
    signal.throwIfAborted();
    const bytes = await read(start, CHUNK_BYTES);
    hash.update(bytes);
    start += bytes.length;
    if (bytes.length < CHUNK_BYTES) break;
  }
  return hash.digest("hex").slice(0, 32);
}

/** Names, sizes and dates of what lies in it. */
async function stateOfFolder(path: string): Promise<string> {
  const names = (await readdir(path)).sort();
  if (names.length > ENTRIES_MAX) {
    throw new AfkError(
      "only_if_failed",
      `only_if: ${path} has ${names.length} entries, and at most ${ENTRIES_MAX} are looked at; name a file or another folder`,
      { retry: "never" },
    );
  }
  const stamps: string[] = [];
  for (const name of names) {
    const entry = await stat(join(path, name)).catch(() => null);
    stamps.push(`${name}\0${entry === null ? MISSING : `${entry.size}:${Math.floor(entry.mtimeMs)}`}`);
  }
  return shortHash(stamps.join("\n"));
}
