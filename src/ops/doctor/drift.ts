import { homedir } from "node:os";
import { join } from "node:path";
import { configDrift, type UnitPlaces, unitDrift } from "../release/drift.ts";
import { latestRelease } from "../release/releases.ts";
import { type Examination, ok, type WithStore, warn } from "./check.ts";

const NAME = "drift";
const MEND =
  "if it is meant: afk release --reason TEXT; if not: afk release --to HASH, and install what it renders";

/** Whether what is in use is what was released. */
export const drift: Examination<WithStore> = {
  group: "configuration",
  name: NAME,
  look: async ({ store, config, host }) => {
    if ((await latestRelease(store.db)) === undefined)
      return [ok(NAME, "nothing was released yet (afk release), so nothing can differ from it")];
    const units = host.isContainer ? null : await unitDrift(store.db, placesOf(config.agent, host));
    const found = [await configDrift(store.db, config), ...(units?.drifts ?? [])].filter(
      (each) => each !== null,
    );
    if (found.length > 0) return found.map((each) => warn(NAME, each.found, MEND));
    const rendered =
      units === null
        ? "rendered files cannot be seen from inside a container"
        : `${units.seen} rendered ${units.seen === 1 ? "file" : "files"} on this host as released`;
    return [ok(NAME, `the configuration in use was released; ${rendered}`)];
  },
};

function placesOf(
  agent: string,
  host: { dropIn: string; environment: { HOME?: string | undefined } },
): UnitPlaces {
  const plist = `afk.${agent}.plist`;
  return [
    { name: "afk-schedule.conf", path: host.dropIn },
    { name: plist, path: join(host.environment.HOME ?? homedir(), "Library/LaunchAgents", plist) },
  ];
}
