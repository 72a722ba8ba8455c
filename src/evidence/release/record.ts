import { newId } from "../../lib/ids.ts";
import type { StateAccess } from "../../ops/alerting.ts";
import { contentHash, differenceOf, type Facts, factsOf } from "./facts.ts";
import type { Rendered } from "./plan.ts";
import { latestRelease, type ReleaseRow, writeReleases } from "./releases.ts";

/**
 * What was written down. `difference` is in words, from the release before, `file` the name of the record in `runs/`;
 * `isNew` is false when nothing differs from that release and no reason was given, so that it stands.
 */
export type Recorded = Awaited<ReturnType<typeof recordRelease>>;

const REASON_CHARS_MAX = 1_000;
const NO_REASON = "none was given";

/**
 * Writes down that this configuration is the one in force, with the text that it was read from, and then the record that
 * people read; a crash in between leaves that to the next tick.
 */
export async function recordRelease(
  sources: StateAccess & { version: string },
  made: { rendered: Rendered; configHash: string; configText: string; reason: string | null },
) {
  const { config, version, store, outbox, clock, log } = sources;
  const facts = factsOf(config);
  const files = [made.rendered, ...made.rendered.beside];
  const given = made.reason === null ? "" : outbox.redact(made.reason).trim().slice(0, REASON_CHARS_MAX);
  const { row, isNew } = await store.atomically(async (trx) => {
    const before = await latestRelease(trx);
    const known: Record<string, string> = before === undefined ? {} : JSON.parse(before.units);
    const changes = [
      ...differenceOf(before === undefined ? null : (JSON.parse(before.facts) as Facts), facts),
      ...(before !== undefined && before.version !== version ? [`afk ${before.version} -> ${version}`] : []),
      ...(before === undefined ? [] : files.flatMap((file) => renderedDifference(known[file.name], file))),
    ];
    // A release in another format leaves the units of the others as they are.
    const all = Object.entries({
      ...known,
      ...Object.fromEntries(files.map(({ name, content }) => [name, contentHash(content)])),
    });
    const units = JSON.stringify(Object.fromEntries(all.sort(([a], [b]) => a.localeCompare(b))));
    const isSame =
      before !== undefined &&
      before.config_hash === made.configHash &&
      before.version === version &&
      before.config_text === made.configText &&
      before.units === units;
    if (isSame && given === "") return { row: before, isNew: false };
    const nowMs = Math.max(clock.nowMs(), before?.made_at ?? 0);
    const next: ReleaseRow = {
      id: newId(nowMs),
      config_hash: made.configHash,
      version,
      config_text: made.configText,
      reason: given === "" ? NO_REASON : given,
      difference: (changes.length === 0 ? ["nothing that the agent does"] : changes).join("\n"),
      facts: JSON.stringify(facts),
      units,
      made_at: nowMs,
    };
    await trx.insertInto("releases").values(next).execute();
    return { row: next, isNew: true };
  });
  const difference = row.difference.split("\n");
  const { id, config_hash: configHash, reason } = row;
  if (isNew) log.event("info", "release_made", { release: id, configHash, difference, reason });
  return { id, configHash, difference, reason, file: await writeReleases({ config, db: store.db }), isNew };
}

/** What is rendered otherwise than in the release before, or for the first time. */
function renderedDifference(
  former: string | undefined,
  { name, content }: Pick<Rendered, "name" | "content">,
): string[] {
  if (former === undefined) return [`${name} is rendered for the first time`];
  return former === contentHash(content) ? [] : [`${name} is rendered differently`];
}
