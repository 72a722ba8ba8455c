import type { Announce } from "../../alerts/outbox.ts";
import type { Config } from "../../config/config.ts";
import { configHash } from "../../config/hash.ts";
import { type Examination, type Finding, ok, skipped, type WithStore, warn } from "../../ops/doctor/check.ts";
import type { Host } from "../../ops/doctor/host.ts";
import type { Db, Trx } from "../../store/schema.ts";
import { type Installed, readInstalled } from "./installed.ts";
import { contentHash } from "./record.ts";
import { latestRelease, wasReleased } from "./releases.ts";
import { compareUnits } from "./units.ts";

/** What is in use and no release produced, in words. */
interface Drift {
  found: string;
}

/** A configuration that no release produced, and the latest release's id. */
interface ConfigDrift extends Drift {
  hash: string;
  release: string;
}

/** Null before the first release, and while the configuration in use is one that was released. */
async function configDrift(db: Db, config: Config): Promise<ConfigDrift | null> {
  const latest = await latestRelease(db);
  if (latest === undefined) return null;
  const hash = configHash(config);
  if (await wasReleased(db, hash)) return null;
  return {
    hash,
    release: latest.id,
    found: `the configuration in use (${hash.slice(0, 12)}) was never released; the latest release has ${latest.config_hash.slice(0, 12)}`,
  };
}

/** How what is installed on this host compares with the latest release. */
interface UnitDrift {
  drifts: Drift[];
  /** How many are there and as they were released. */
  asReleased: number;
  /** What was released and could not be compared, and why, in words. */
  unknown: string[];
}

/** Compares each rendered file, or its lines in a crontab, with what the latest release rendered. */
async function unitDrift(db: Db, installed: readonly Installed[]): Promise<UnitDrift> {
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
        found: `what the release ${release} rendered is in ${where} ${right} times`,
      });
    const found =
      wanted === undefined
        ? `no release rendered ${whatIsIn(name, where)}`
        : `${whatIsIn(name, where)} is not as the release ${release} rendered it`;
    const others = new Set(hashes.filter((each) => each !== wanted));
    result.drifts.push(...[...others].map(() => ({ found })));
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

/** Announces, once, a configuration in use that no release produced. */
export async function announceDrift(trx: Trx, announce: Announce, config: Config): Promise<void> {
  const drift = await configDrift(trx, config);
  if (drift === null) return;
  await announce(
    trx,
    {
      event: "drift_found",
      title: "The configuration was changed past a release",
      message: `${drift.found[0]?.toUpperCase()}${drift.found.slice(1)}. The agent goes on with it. If it is meant: afk release --reason TEXT. If not: afk release --to HASH`,
      subject: drift.hash,
      occurrence: drift.release,
    },
    "quiet",
  );
}

const MEND =
  "if it is meant: afk release --reason TEXT; if not: afk release --to HASH, and install what it renders";

const MEND_UNITS =
  "sudo ./systemd/install puts the units of its image in place; changes of your own go into drop-ins";

/** Whether what is in use is what was released. */
export const driftCheck: Examination<WithStore> = {
  group: "configuration",
  name: "drift",
  check: async ({ store, config, host }) => {
    const units = unitFindings(host);
    if ((await latestRelease(store.db)) === undefined)
      return [ok("nothing was released yet (afk release), so nothing can differ from it"), ...units];
    const isSeen = host.units !== null || !host.isContainer;
    const rendered = isSeen ? await unitDrift(store.db, await readInstalled(config, host)) : null;
    const found = [await configDrift(store.db, config), ...(rendered?.drifts ?? [])].filter(
      (each) => each !== null,
    );
    const unknown = (rendered?.unknown ?? []).map((each) => skipped(`cannot be compared: ${each}`));
    const asReleased =
      rendered === null
        ? "rendered files cannot be seen from inside a container"
        : `${rendered.asReleased} rendered ${rendered.asReleased === 1 ? "file" : "files"} on this host as released`;
    const findings =
      found.length > 0
        ? found.map((each) => warn(each.found, MEND))
        : [ok(`the configuration in use was released; ${asReleased}`)];
    return [...findings, ...unknown, ...units].map((each) => ({ ...each, found: onHost(each.found, host) }));
  },
};

/** The units themselves come with afk, not from a release: they must be those of this version. */
function unitFindings({ units, shippedUnits }: Host): Finding[] {
  if (units === null || shippedUnits === null) return [];
  const files = compareUnits(units.folder, shippedUnits);
  if (files === null) return [];
  const { same, changed, missing, foreign, own } = files;
  const wrong = [
    ...changed.map((name) => `${units.shownAs}/${name} is not as this afk ships it`),
    ...missing.map((name) => `${units.shownAs}/${name} is missing`),
    ...foreign.map((name) => `${units.shownAs}/${name} is no unit of this afk`),
  ];
  if (wrong.length > 0) return wrong.map((each) => warn(each, MEND_UNITS));
  const besides = own.length === 0 ? "" : `; your own besides: ${own.join(", ")}`;
  return [ok(`${same} units as this afk ships them${besides}`)];
}

/** A path as it is called on the host. */
function onHost(text: string, { units }: Host): string {
  return units === null ? text : text.replaceAll(units.folder, units.shownAs);
}
