import type { Announce } from "../../alerts/outbox.ts";
import type { Config } from "../../config/config.ts";
import { configHash } from "../../config/hash.ts";
import type { Db, Trx } from "../../store/schema.ts";
import { readIfThere } from "../record-file.ts";
import { contentHash } from "./record.ts";
import { latestRelease, wasReleased } from "./releases.ts";

/** What is in use and no release produced, in words. */
export interface Drift {
  /** The same as long as the drift is the same. */
  key: string;
  found: string;
}

/** Null before the first release, and while the configuration in use is one that was released. */
export async function configDrift(db: Db, config: Config): Promise<Drift | null> {
  const latest = await latestRelease(db);
  if (latest === undefined) return null;
  const hash = configHash(config);
  if (await wasReleased(db, hash)) return null;
  return {
    key: `${hash}:${latest.id}`,
    found: `the configuration in use (${hash.slice(0, 12)}) was never released; the latest release has ${latest.config_hash.slice(0, 12)}`,
  };
}

/** Where a rendered file is when it is installed, by its name in a release. */
export type UnitPlaces = readonly { name: string; path: string }[];

/** Rendered files that are on this host and not as they were released; `seen` is how many are there at all. */
export async function unitDrift(db: Db, places: UnitPlaces): Promise<{ drifts: Drift[]; seen: number }> {
  const latest = await latestRelease(db);
  const units = latest === undefined ? {} : (JSON.parse(latest.units) as Record<string, string>);
  const there = places.flatMap(({ name, path }) => {
    const content = readIfThere(path);
    return content === null ? [] : [{ name, path, hash: contentHash(content) }];
  });
  if (latest === undefined) return { drifts: [], seen: there.length };
  const drifts = there
    .filter(({ name, hash }) => units[name] !== hash)
    .map(({ name, path, hash }) => ({
      key: `${name}:${hash}:${latest.id}`,
      found:
        units[name] === undefined
          ? `no release rendered ${path}`
          : `${path} is not as the release ${latest.config_hash.slice(0, 12)} rendered it`,
    }));
  return { drifts, seen: there.length };
}

/** Tells, once, of a configuration in use that no release produced. */
export async function tellDrift(trx: Trx, announce: Announce, config: Config): Promise<void> {
  const drift = await configDrift(trx, config);
  if (drift === null) return;
  await announce(
    {
      event: "drift_found",
      title: "The configuration was changed past a release",
      message: `${drift.found[0]?.toUpperCase()}${drift.found.slice(1)}. The agent goes on with it. If it is meant: afk release --reason TEXT. If not: afk release --to HASH`,
      key: `drift_found:${drift.key}`,
    },
    "quiet",
  );
}
