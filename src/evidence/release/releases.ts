import type { Selectable } from "kysely";
import { AfkError } from "../../lib/errors.ts";
import type { Db, Trx } from "../../store/schema.ts";
import type { ReleasesTable } from "../../store/schema-evidence.ts";

export type ReleaseRow = Selectable<ReleasesTable>;

/** The release in force; undefined before the first. */
export async function latestRelease(db: Db): Promise<ReleaseRow | undefined> {
  return await db
    .selectFrom("releases")
    .selectAll()
    .orderBy("made_at", "desc")
    .orderBy("id", "desc")
    .limit(1)
    .executeTakeFirst();
}

/** Whether some release had this configuration. */
export async function wasReleased(db: Db, configHash: string): Promise<boolean> {
  const row = await db
    .selectFrom("releases")
    .select("id")
    .where("config_hash", "=", configHash)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

export async function addRelease(trx: Trx, row: ReleaseRow): Promise<void> {
  await trx.insertInto("releases").values(row).execute();
}

const PREFIX_MIN = 6;

/**
 * The newest release whose configuration hash begins so.
 * @throws AfkError where it is too short, fits none, or fits more than one configuration.
 */
export async function releaseBy(db: Db, prefix: string): Promise<ReleaseRow> {
  const refuse = (message: string) => new AfkError("unknown_release", message, { retry: "never" });
  if (!/^[0-9a-f]{6,64}$/.test(prefix))
    throw refuse(
      `--to ${JSON.stringify(prefix)} is no configuration hash; write at least its first ${PREFIX_MIN} characters, as runs/release-*.md shows them`,
    );
  const rows = await db
    .selectFrom("releases")
    .selectAll()
    .where("config_hash", ">=", prefix)
    .where("config_hash", "<", `${prefix}g`)
    .orderBy("made_at", "desc")
    .orderBy("id", "desc")
    .limit(1_000)
    .execute();
  const [newest] = rows;
  if (newest === undefined)
    throw refuse(`no release has a configuration hash that begins with ${prefix}; see runs/release-*.md`);
  const hashes = new Set(rows.map((row) => row.config_hash));
  if (hashes.size > 1)
    throw refuse(
      `${prefix} fits ${hashes.size} configurations: ${[...hashes].slice(0, 5).join(", ")}; write more of it`,
    );
  return newest;
}
