import { readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Config } from "../../config/config.ts";
import { isWithin, type View } from "../../jobs/containment/enclosure.ts";

/** Where systemd's units keep the agent's settings, its keys among them. */
const SETTINGS = "/etc/afk";

/**
 * What programs of jobs do not see: the state, in which is all that the agent knows, afk.yaml, and every file that is known to hold
 * secrets. The folder `work` in the state is theirs.
 */
export function viewOf({ paths, secretFiles, jobs, gateway }: Config): View {
  const { base, state, configFile, stopFile } = paths;
  const envFiles = jobs.flatMap(({ envFile }) => (envFile === undefined ? [] : [resolve(base, envFile)]));
  return {
    hidden: [
      ...[state, configFile, stopFile, ...secretFiles, ...envFiles, ...dotEnvFiles(base)],
      ...(gateway.tls === null ? [] : [gateway.tls.key]),
      ...(isWithin(base, SETTINGS) ? [] : [SETTINGS]),
    ],
    kept: [workFolder(state)],
  };
}

/** The folder in the state that programs see and may write: in the image there is no other that lasts. */
export function workFolder(state: string): string {
  return join(state, "work");
}

/** `.env`, `.env.script`, `prod.env` and the like, beside afk.yaml. */
function dotEnvFiles(base: string): string[] {
  return readdirSync(base)
    .filter((name) => /^\.env(?:\..*)?$|\.env$|^env$/.test(name))
    .map((name) => join(base, name));
}
