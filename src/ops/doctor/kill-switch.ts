import { readKill } from "../../rails/kill.ts";
import { bad, type Examination, ok, type WithStore } from "./check.ts";

export const killSwitch: Examination<WithStore> = {
  group: "state",
  name: "kill switch",
  look: async ({ config: { paths }, store }) => {
    const kill = await readKill(store.db, paths.stopFile);
    if (kill === null) return [ok("kill switch", "off")];
    return [bad("kill switch", `set by ${kill.by}: ${kill.reason}`, "afk resume")];
  },
};
