import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { toIso } from "../../lib/clock.ts";
import { AfkError } from "../../lib/errors.ts";
import { oneLine } from "../../lib/text.ts";
import type { Db } from "../../store/schema.ts";
import { releaseBy } from "../release/releases.ts";
import { IncidentRefused, sayable } from "./incidents.ts";

/** What is looked through for something that fixed an incident. */
interface FixSources {
  db: Db;
  /** The running version of afk. */
  version: string;
  /** Folders that may lie in a git repository. */
  folders: readonly string[];
}

const HASH_CHARS = 12;
const SUBJECT_CHARS_MAX = 100;
const GIT_MS_MAX = 10_000;

/**
 * Makes sure that what is said to have fixed an incident exists: a version of afk that is running or was released here, a
 * release by the beginning of its configuration hash, or a commit or tag of the repositories that the folders lie in.
 * Gives it in full, as it is written down.
 * @throws IncidentRefused where there is none of them.
 */
export async function findFix({ db, version, folders }: FixSources, text: string): Promise<string> {
  const said = sayable("fixed-by", text);
  if (said === version || (await wasReleasedWith(db, said))) return `afk ${said}`;
  if (/^[0-9a-f]{6,64}$/.test(said)) {
    const release = await releaseBy(db, said).catch((error: unknown) => {
      if (error instanceof AfkError) return null;
      throw error;
    });
    if (release !== null)
      return `release ${release.config_hash.slice(0, HASH_CHARS)}, made ${toIso(release.made_at)}`;
  }
  for (const folder of folders) {
    const commit = await findCommit(folder, said);
    if (commit !== null) return commit;
  }
  throw new IncidentRefused(
    "unknown_fix",
    `--fixed-by ${JSON.stringify(said.slice(0, 80))} is no release of this agent (afk release; runs/release-*.md), no version of afk that ran here, and no commit in the git repository of ${folders.join(" or ")}; write one of them, or leave it out`,
  );
}

async function wasReleasedWith(db: Db, version: string): Promise<boolean> {
  const found = await db
    .selectFrom("releases")
    .select("id")
    .where("version", "=", version)
    .limit(1)
    .execute();
  return found.length > 0;
}

/** `commit 1a2b3c4d5e6f: subject`; null where there is no such commit, no repository, or no git. */
async function findCommit(folder: string, revision: string): Promise<string | null> {
  if (revision.startsWith("-")) return null;
  const words = [
    "-C",
    folder,
    "log",
    "-1",
    "--no-show-signature",
    "--format=%H %s",
    `${revision}^{commit}`,
    "--",
  ];
  try {
    const { stdout } = await promisify(execFile)("git", words, { timeout: GIT_MS_MAX, maxBuffer: 64 * 1024 });
    const [hash = "", ...subject] = stdout.trim().split(" ");
    return `commit ${hash.slice(0, HASH_CHARS)}: ${oneLine(subject.join(" "), SUBJECT_CHARS_MAX)}`;
  } catch {
    // Git's own word for "no such commit" and for "no repository" is the same; either way it is not there to be named.
    return null;
  }
}
