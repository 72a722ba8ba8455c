import type { Announce } from "../../alerts/outbox.ts";
import type { Config } from "../../config/config.ts";
import { configHash } from "../../config/hash.ts";
import type { Db, Trx } from "../../store/schema.ts";
import type { Installed } from "./installed.ts";
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

/** How what is installed on this host compares with the latest release. */
export interface UnitDrift {
  drifts: Drift[];
  /** How many are there and as they were released. */
  asReleased: number;
  /** What was released and could not be compared, and why, in words. */
  unknown: string[];
}

/** Compares each rendered file, or its lines in a crontab, with what the latest release rendered. */
export async function unitDrift(db: Db, installed: readonly Installed[]): Promise<UnitDrift> {
  const latest = await latestRelease(db);
  const result: UnitDrift = { drifts: [], asReleased: 0, unknown: [] };
  if (latest === undefined) return result;
  const units = JSON.parse(latest.units) as Record<string, string>;
  const release = latest.config_hash.slice(0, 12);
  for (const { name, where, contents, unknown } of installed) {
    const wanted = units[name];
    if (unknown !== null && wanted !== undefined) result.unknown.push(`${where}: ${unknown}`);
    else if (contents.length === 0 && wanted !== undefined)
      result.unknown.push(isCrontab(name) ? `nothing of ${name} is in ${where}` : `there is no ${where}`);
    const hashes = contents.map(contentHash);
    const right = hashes.filter((hash) => hash === wanted).length;
    if (right === 1) result.asReleased += 1;
    if (right > 1)
      result.drifts.push({
        key: `${name}:${right}:${latest.id}`,
        found: `what the release ${release} rendered is in ${where} ${right} times`,
      });
    for (const hash of new Set(hashes.filter((each) => each !== wanted)))
      result.drifts.push({
        key: `${name}:${hash}:${latest.id}`,
        found:
          wanted === undefined
            ? `no release rendered ${whatIsIn(name, where)}`
            : `${whatIsIn(name, where)} is not as the release ${release} rendered it`,
      });
  }
  return result;
}

/** A file is its place; lines of a crontab are not all of it. */
function whatIsIn(name: string, where: string): string {
  return isCrontab(name) ? `a run of afk tick in ${where}` : where;
}

function isCrontab(name: string): boolean {
  return name.endsWith(".crontab");
}

/** Tells, once, of a configuration in use that no release produced. */
export async function tellDrift(trx: Trx, announce: Announce, config: Config): Promise<void> {
  const drift = await configDrift(trx, config);
  if (drift === null) return;
  await announce(
    trx,
    {
      event: "drift_found",
      title: "The configuration was changed past a release",
      message: `${drift.found[0]?.toUpperCase()}${drift.found.slice(1)}. The agent goes on with it. If it is meant: afk release --reason TEXT. If not: afk release --to HASH`,
      key: `drift_found:${drift.key}`,
    },
    "quiet",
  );
}
