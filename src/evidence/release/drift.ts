import type { Announce } from "../../alerts/outbox.ts";
import type { Config } from "../../config/config.ts";
import { configHash } from "../../config/hash.ts";
import { type Finding, type Found, ok, skipped, type WithStore, warn } from "../../ops/doctor/check.ts";
import type { Host } from "../../ops/doctor/host.ts";
import type { Db, Trx } from "../../store/schema.ts";
import { contentHash } from "./facts.ts";
import { type Installed, readInstalled } from "./installed.ts";
import { latestRelease, type ReleaseRow, wasReleased } from "./releases.ts";
import { compareUnits } from "./units.ts";

/** A configuration in use that no release produced, in words as `found`; null for one that was released. */
async function configDrift(db: Db, config: Config, latest: ReleaseRow) {
  const hash = configHash(config);
  if (await wasReleased(db, hash)) return null;
  const found = `the configuration in use (${hash.slice(0, 12)}) was never released; the latest release has ${latest.config_hash.slice(0, 12)}`;
  return { hash, found };
}

/** Compares each rendered file, or its lines in a crontab, with what the latest release rendered. */
function compareInstalled(latest: ReleaseRow, installed: readonly Installed[]) {
  const result = { drifts: [] as string[], asReleased: 0, unknown: [] as string[] };
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
    if (right > 1) result.drifts.push(`what the release ${release} rendered is in ${where} ${right} times`);
    const others = new Set(hashes.filter((hash) => hash !== wanted));
    const found =
      wanted === undefined
        ? `no release rendered ${whatIsIn(name, where)}`
        : `${whatIsIn(name, where)} is not as the release ${release} rendered it`;
    result.drifts.push(...[...others].map(() => found));
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
  const latest = await latestRelease(trx);
  const drift = latest === undefined ? null : await configDrift(trx, config, latest);
  if (latest === undefined || drift === null) return;
  await announce(
    trx,
    {
      event: "drift_found",
      title: "The configuration was changed past a release",
      message: `${drift.found[0]?.toUpperCase()}${drift.found.slice(1)}. The agent goes on with it. If it is meant: afk release --reason TEXT. If not: afk release --to HASH`,
      subject: drift.hash,
      occurrence: latest.id,
    },
    "quiet",
  );
}

const MEND =
  "if it is meant: afk release --reason TEXT; if not: afk release --to HASH, and install what it renders";

const MEND_UNITS =
  "sudo ./systemd/install puts the units of its image in place; changes of your own go into drop-ins";

/** Whether what is in use is what was released. */
export async function driftCheck({ store, config, host }: WithStore): Promise<Found> {
  const units = unitFindings(host);
  const latest = await latestRelease(store.db);
  if (latest === undefined)
    return [ok("nothing was released yet (afk release), so nothing can differ from it"), ...units];
  const isSeen = host.units !== null || !host.isContainer;
  const rendered = compareInstalled(latest, isSeen ? await readInstalled(config, host) : []);
  const drift = await configDrift(store.db, config, latest);
  const found = [...(drift === null ? [] : [drift.found]), ...rendered.drifts];
  const files = `${rendered.asReleased} rendered ${rendered.asReleased === 1 ? "file" : "files"} on this host as released`;
  const asReleased = isSeen ? files : "rendered files cannot be seen from inside a container";
  const findings = [
    ...found.map((each) => warn(each, MEND)),
    ...(found.length > 0 ? [] : [ok(`the configuration in use was released; ${asReleased}`)]),
    ...rendered.unknown.map((each) => skipped(`cannot be compared: ${each}`)),
    ...units,
  ];
  return findings.map((each) => ({ ...each, found: onHost(each.found, host) }));
}

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
