import { execFile } from "node:child_process";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Config } from "../../config/config.ts";
import { messageOf } from "../../lib/errors.ts";
import type { Host } from "../../ops/doctor/host.ts";
import { readIfThere } from "../../ops/record-file.ts";
import { crontabName, crontabSections } from "./cron.ts";

/** A rendered file, or the lines of one in a crontab, as this host has it. */
export interface Installed {
  /** Its name in a release. */
  name: string;
  /** Where it was searched for, in words. */
  where: string;
  /** As it is there: nothing where it is not, and more than one text where a crontab has it more than once. */
  contents: readonly string[];
  /** Why it could not be read; null when it was. */
  unknown: string | null;
}

type InstallHost = Pick<Host, "dropIn" | "environment" | "crontab">;

const CRONTAB_MS_MAX = 2_000;
const CRONTAB_BYTES_MAX = 1_000_000;

/** Everything that `afk release` renders, where it is when it is installed. */
export async function readInstalled(
  { agent, paths }: Pick<Config, "agent" | "paths">,
  host: InstallHost,
): Promise<Installed[]> {
  const plist = `afk.${agent}.plist`;
  const agents = join(host.environment.HOME ?? homedir(), "Library/LaunchAgents");
  return [
    await read("afk-schedule.conf", host.dropIn, () => [readIfThere(host.dropIn) ?? []].flat()),
    await read(plist, join(agents, plist), () => [readIfThere(join(agents, plist)) ?? []].flat()),
    await read(crontabName(agent), "this user's crontab", async () =>
      crontabSections(await listCrontab(host), { agent, configFile: paths.configFile }),
    ),
  ];
}

async function read(
  name: string,
  where: string,
  contents: () => string[] | Promise<string[]>,
): Promise<Installed> {
  try {
    return { name, where, contents: await contents(), unknown: null };
  } catch (error) {
    return { name, where, contents: [], unknown: messageOf(error) };
  }
}

/** Empty for a user without one: crontab calls that an error, and says so in words alone. */
function listCrontab({ crontab, environment }: InstallHost): Promise<string> {
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
