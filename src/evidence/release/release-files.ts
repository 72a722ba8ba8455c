import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../../config/config.ts";
import { toIso } from "../../lib/clock.ts";
import { dayIn } from "../../lib/days.ts";
import { markdownTable, plainMarkdown } from "../../lib/markdown.ts";
import { keepFile } from "../../ops/record-file.ts";
import type { Db } from "../../store/schema.ts";
import type { ReleaseRow } from "./releases.ts";

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
export function renderRelease(agent: string, row: ReleaseRow): string {
  const units = Object.entries(JSON.parse(row.units) as Record<string, string>);
  const facts: [string, string][] = [
    ["release", row.id],
    ["agent", agent],
    ["made", toIso(row.made_at)],
    ["afk", row.version],
    ["configuration", row.config_hash],
    ["reason", row.reason],
    ...units.map(([name, hash]): [string, string] => [name, `SHA-256 ${hash}`]),
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
