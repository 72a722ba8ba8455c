import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Selectable } from "kysely";
import type { Config } from "../../config/config.ts";
import { toIso } from "../../lib/clock.ts";
import { dayIn } from "../../lib/days.ts";
import { AfkError } from "../../lib/errors.ts";
import { markdownTable, plainMarkdown } from "../../lib/markdown.ts";
import { keepFile } from "../../ops/record-file.ts";
import type { ReleasesTable } from "../../store/schema/evidence.ts";
import type { Db } from "../../store/schema.ts";

/** A release as the database keeps it. */
export type ReleaseRow = Selectable<ReleasesTable>;

/** The release in force; undefined before the first. */
export async function latestRelease(db: Db): Promise<ReleaseRow | undefined> {
  return await newestFirst(db).limit(1).executeTakeFirst();
}

function newestFirst(db: Db) {
  return db.selectFrom("releases").selectAll().orderBy("made_at", "desc").orderBy("id", "desc");
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
  const rows = await newestFirst(db)
    .where("config_hash", ">=", prefix)
    .where("config_hash", "<", `${prefix}g`)
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

/** A crash leaves out the file of the latest one; what was removed from before is a person's doing. */
const LOOKED_AT = 5;
const RELEASES_MAX = 10_000;

/** Writes the records in `runs/` that are missing of the latest releases. Gives the name of the latest one's. */
export async function writeReleases({
  config,
  db,
}: {
  config: Pick<Config, "agent" | "timezone" | "paths">;
  db: Db;
}): Promise<string | null> {
  const made = await db
    .selectFrom("releases")
    .select(["id", "made_at"])
    .orderBy("made_at")
    .orderBy("id")
    .limit(RELEASES_MAX)
    .execute();
  const names = namesOf(made, config.timezone);
  for (const { id, name } of names.slice(-LOOKED_AT)) {
    if (existsSync(join(config.paths.runs, name))) continue;
    const row = await db.selectFrom("releases").selectAll().where("id", "=", id).executeTakeFirstOrThrow();
    keepFile(config.paths.runs, name, renderRelease(config.agent, row));
  }
  return names.at(-1)?.name ?? null;
}

/** `release-2026-11-21.md`, and `-2` for the second of that day. */
function namesOf(made: readonly { id: string; made_at: number }[], timezone: string) {
  const counts = new Map<string, number>();
  return made.map(({ id, made_at }) => {
    const day = dayIn(made_at, timezone);
    const nth = (counts.get(day) ?? 0) + 1;
    counts.set(day, nth);
    return { id, name: nth === 1 ? `release-${day}.md` : `release-${day}-${nth}.md` };
  });
}

/** The text of afk.yaml is not in it: that is in the table, and may be put back from there. */
function renderRelease(agent: string, row: ReleaseRow): string {
  const units = Object.entries(JSON.parse(row.units) as Record<string, string>);
  const facts = [
    ["release", row.id],
    ["agent", agent],
    ["made", toIso(row.made_at)],
    ["afk", row.version],
    ["configuration", row.config_hash],
    ["reason", row.reason],
    ...units.map(([name, hash]) => [name, `SHA-256 ${hash}`]),
  ];
  const blocks = [
    `# Release ${row.config_hash.slice(0, 12)}`,
    markdownTable(
      ["What", "Which"],
      facts.map((cells) => cells.map(plainMarkdown)),
    ),
    "## What is different",
    row.difference
      .split("\n")
      // An arrow does no harm, since no < is left, and is read better.
      .map((line) => `- ${plainMarkdown(line).replaceAll("-&gt;", "->")}`)
      .join("\n"),
    "## To put it back",
    `    afk release --to ${row.config_hash.slice(0, 12)}`,
  ];
  return `${blocks.join("\n\n")}\n`;
}
