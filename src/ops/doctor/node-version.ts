import { bad, type Examination, type OnHost, ok } from "./check.ts";

/** As package.json and cli/main.ts have it. */
const OLDEST = [22, 22] as const;

export const nodeVersion: Examination<OnHost> = {
  group: "host",
  name: "node",
  look: ({ host }) => {
    const [major = 0, minor = 0] = host.nodeVersion.split(".").map(Number);
    const isNewEnough = major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
    if (isNewEnough) return [ok("node", `version ${host.nodeVersion}`)];
    return [
      bad("node", `version ${host.nodeVersion} is too old`, `install Node ${OLDEST.join(".")} or newer`),
    ];
  },
};
