import { readFileSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import { readKill } from "../../rails/kill.ts";
import { mountOf } from "../../store/sqlite/mount.ts";
import { bad, type Examination, ok, type WithConfig, type WithStore } from "./check.ts";

export const killSwitch: Examination<WithStore> = {
  group: "state",
  name: "kill switch",
  look: async ({ config: { paths }, store }) => {
    const kill = await readKill(store.db, paths.stopFile);
    if (kill === null) return [ok("kill switch", "off")];
    return [bad("kill switch", `set by ${kill.by}: ${kill.reason}`, kill.remedy ?? "afk resume")];
  },
};

/** File systems that a container has for itself. */
const OWN = /^(?:tmpfs|devtmpfs|devpts|proc|sysfs|mqueue|cgroup2?)$/;

/** Whether somebody outside of the container can make the file that KILL_FLAG names; else that switch can never be set. */
export const killFlag: Examination<WithConfig> = {
  group: "state",
  name: "kill flag",
  look: ({ config: { paths }, host }) => {
    const { stopFile, state } = paths;
    if (!host.isContainer || !host.environment.KILL_FLAG || stopFile.startsWith(state + sep)) return [];
    const { point, type } = mountOf(dirname(stopFile), readFileSync(host.mountInfo, "utf8"));
    if (point !== "/" && !OWN.test(type)) return [ok("kill flag", `${stopFile} is on a mount of its own`)];
    const found = `KILL_FLAG is ${stopFile}, which is inside of this container: nobody outside can set it`;
    return [
      bad("kill flag", found, `name a file in ${state}, or unset KILL_FLAG and use ${join(state, "STOP")}`),
    ];
  },
};
