import { readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { isMissing } from "../../logs/files.ts";
import { readIfThere } from "../../ops/record-file.ts";

/** What systemd/install puts under another name, by the name that it has there. */
const DROP_INS: Readonly<Record<string, string>> = {
  "afk.service.d/10-hardening.conf": "hardening.conf",
  "afk-.service.d/10-hardening.conf": "hardening.conf",
  "afk@.service.d/10-hardening.conf": "hardening.conf",
  "afk-alert@.service.d/90-network.conf": "afk-alert@.service.d/90-network.conf",
};
/** What `afk release` renders; the release that is in force speaks for it. */
const SCHEDULE = /^afk(?:@[a-z0-9]+)?\.timer\.d\/schedule\.conf$/;
const UNIT = /^afk[\w@-]*\.(?:service|timer|path|slice)$/;

/**
 * How the units of a host compare with those that this afk ships, by their names below systemd's folder; null for a host
 * without a single one. `foreign` are units of afk's name that this afk does not have, of another version or somebody's own;
 * `own` are drop-ins of the owner's own, which are as they should be.
 */
export function compareUnits(folder: string, shipped: string) {
  const there = filesOf(folder);
  if (there.length === 0) return null;
  const units = readdirSync(shipped).filter((name) => UNIT.test(name));
  const wanted = { ...Object.fromEntries(units.map((name) => [name, name])), ...DROP_INS };
  type Names = Record<"changed" | "missing" | "foreign" | "own", string[]>;
  const files: { same: number } & Names = { same: 0, changed: [], missing: [], foreign: [], own: [] };
  for (const [name, source] of Object.entries(wanted)) {
    const content = readIfThere(join(folder, name));
    if (content === null) files.missing.push(name);
    else if (content === readIfThere(join(shipped, source))) files.same += 1;
    else files.changed.push(name);
  }
  for (const name of there) {
    if (Object.hasOwn(wanted, name) || SCHEDULE.test(name)) continue;
    if (UNIT.test(basename(name)) && !name.includes("/")) files.foreign.push(name);
    else files.own.push(name);
  }
  return files;
}

/** Units of afk and what is in their drop-in folders, one level deep. */
function filesOf(folder: string): string[] {
  return list(folder)
    .filter((name) => name.startsWith("afk"))
    .flatMap((name) =>
      name.endsWith(".d") ? list(join(folder, name)).map((file) => `${name}/${file}`) : [name],
    )
    .sort();
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
