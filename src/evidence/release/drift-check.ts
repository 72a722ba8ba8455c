import { type Examination, type Finding, ok, skipped, type WithStore, warn } from "../../ops/doctor/check.ts";
import type { Host } from "../../ops/doctor/host.ts";
import { configDrift, unitDrift } from "./drift.ts";
import { readInstalled } from "./installed.ts";
import { latestRelease } from "./releases.ts";
import { compareUnits } from "./units.ts";

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
