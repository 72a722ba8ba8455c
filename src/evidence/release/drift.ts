import { execFile } from "node:child_process";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Announce } from "../../alerts/outbox.ts";
import type { Config } from "../../config/config.ts";
import { configHash } from "../../config/hash.ts";
import { messageOf } from "../../lib/errors.ts";
import { plural } from "../../lib/text.ts";
import { type Finding, type Found, ok, skipped, type WithStore, warn } from "../../ops/doctor/check.ts";
import type { Host } from "../../ops/doctor/host.ts";
import { readIfThere } from "../../ops/record-file.ts";
import type { Db, Trx } from "../../store/schema.ts";
import { crontabName, crontabSections } from "./cron.ts";
import { contentHash } from "./facts.ts";
import { labelsOf } from "./launchd.ts";
import { latestRelease, type ReleaseRow, wasReleased } from "./releases.ts";
import { compareUnits } from "./units.ts";

/** A configuration in use that no release produced, in words as `found`; null for one that was released. */
async function configDrift(db: Db, config: Config, latest: ReleaseRow) {
  const hash = configHash(config);
  if (await wasReleased(db, hash)) return null;
  const found = `the configuration in use (${hash.slice(0, 12)}) was never released; the latest release has ${latest.config_hash.slice(0, 12)}`;
  return { hash, found };
}

const CRONTAB_MS_MAX = 2_000;
const CRONTAB_BYTES_MAX = 1_000_000;

/** Everything that `afk release` renders, where it is when it is installed. */
async function readInstalled({ agent, paths }: Config, host: Host) {
  const plists = Object.values(labelsOf(agent)).map((label) => `${label}.plist`);
  const agents = join(host.environment.HOME ?? homedir(), "Library/LaunchAgents");
  return [
    await read("afk-schedule.conf", host.dropIn, () => [readIfThere(host.dropIn) ?? []].flat()),
    ...(await Promise.all(
      plists.map((plist) =>
        read(plist, join(agents, plist), () => [readIfThere(join(agents, plist)) ?? []].flat()),
      ),
    )),
    await read(crontabName(agent), "this user's crontab", async () =>
      crontabSections(await listCrontab(host), { agent, configFile: paths.configFile }),
    ),
  ];
}

/**
 * `name` is that in a release, `where` the place in words. What is there is nothing where it is not, and more than one text
 * where a crontab has it more than once; `unknown` is why it could not be read, null when it was.
 */
async function read(name: string, where: string, contents: () => string[] | Promise<string[]>) {
  try {
    return { name, where, contents: await contents(), unknown: null };
  } catch (error) {
    return { name, where, contents: [], unknown: messageOf(error) };
  }
}

/** Empty for a user without one: crontab calls that an error, and says so in words alone. */
function listCrontab({ crontab, environment }: Host): Promise<string> {
  const options = {
    timeout: CRONTAB_MS_MAX,
    maxBuffer: CRONTAB_BYTES_MAX,
    env: { ...environment, LC_ALL: "C" },
  };
  return new Promise((resolve, reject) => {
    execFile(crontab, ["-l"], options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else if (/no crontab for|can't open/i.test(stderr)) resolve("");
      else if (error.code === "ENOENT") reject(new Error("there is no program crontab here"));
      else reject(new Error(stderr.trim().split("\n")[0] || error.message));
    });
  });
}

/** Compares each rendered file, or its lines in a crontab, with what the latest release rendered. */
function compareInstalled(latest: ReleaseRow, installed: Awaited<ReturnType<typeof readInstalled>>) {
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
  const inUse: Finding[] = drift === null ? [] : [{ ...warn(drift.found, MEND), code: "drift" }];
  const found = [...inUse, ...rendered.drifts.map((each) => warn(each, MEND))];
  const files = `${plural(rendered.asReleased, "rendered file")} on this host as released`;
  const asReleased = isSeen ? files : "rendered files cannot be seen from inside a container";
  const findings = [
    ...found,
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
