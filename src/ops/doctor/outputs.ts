import { fileObstacle, folderObstacle, pendingNames, readOutput } from "../../queue/publish.ts";
import { bad, type Examination, type Finding, ok, type WithStore } from "./check.ts";

/** What was set aside since it cannot be written into `out/`, and what is in its way. */
export const outputs: Examination<WithStore> = {
  group: "state",
  name: "outputs",
  look: async ({ config: { paths }, store }) => {
    const folder = await folderObstacle(paths.out);
    if (folder !== null) return [bad("outputs", `nothing can be written into ${paths.out}: ${folder}`, MEND)];
    const findings: Finding[] = [];
    for (const name of (await pendingNames(store.db)).slice(0, SHOWN_MAX)) {
      const obstacle = fileObstacle(paths.out, await readOutput(store.db, name));
      const shown = JSON.stringify(name.slice(0, 160));
      if (obstacle !== null)
        findings.push(bad("outputs", `${shown} is not in ${paths.out}: ${obstacle}`, MEND));
    }
    return findings.length > 0 ? findings : [ok("outputs", "everything that was made is in out/")];
  },
};

const SHOWN_MAX = 20;

const MEND = "move away what is in the way; the next tick writes what was set aside";
