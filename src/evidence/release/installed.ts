import { execFile } from "node:child_process";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Config } from "../../config/config.ts";
import { messageOf } from "../../lib/errors.ts";
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

/** What of the machine is asked. */
interface InstallHost {
  /** The drop-in of systemd. */
  dropIn: string;
  environment: { HOME?: string | undefined };
  /** The program that shows a user's crontab. */
  crontab: string;
}

const CRONTAB_MS_MAX = 2_000;
const CRONTAB_BYTES_MAX = 1_000_000;

/** Everything that `afk release` renders, where it is when it is installed. */
export async function readInstalled(
  { agent, paths }: Pick<Config, "agent" | "paths">,
  host: InstallHost,
): Promise<Installed[]> {
  const plist = `afk.${agent}.plist`;
  return [
    fileAt("afk-schedule.conf", host.dropIn),
    fileAt(plist, join(host.environment.HOME ?? homedir(), "Library/LaunchAgents", plist)),
    await inCrontab({ agent, configFile: paths.configFile }, host),
  ];
}

function fileAt(name: string, path: string): Installed {
  try {
    const content = readIfThere(path);
    return { name, where: path, contents: content === null ? [] : [content], unknown: null };
  } catch (error) {
    return { name, where: path, contents: [], unknown: messageOf(error) };
  }
}

async function inCrontab(
  of: { agent: string; configFile: string },
  { crontab, environment }: InstallHost,
): Promise<Installed> {
  const found = { name: crontabName(of.agent), where: "this user's crontab" };
  const listed = await listCrontab(crontab, environment);
  if (listed instanceof Error) return { ...found, contents: [], unknown: messageOf(listed) };
  return { ...found, contents: crontabSections(listed, of), unknown: null };
}

/** Empty for a user without one: crontab calls that an error, and says so in words alone. */
function listCrontab(program: string, environment: InstallHost["environment"]): Promise<string | Error> {
  const options = {
    timeout: CRONTAB_MS_MAX,
    maxBuffer: CRONTAB_BYTES_MAX,
    env: { ...environment, LC_ALL: "C" },
  };
  return new Promise((resolve) => {
    execFile(program, ["-l"], options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else if (/no crontab for|can't open/i.test(stderr)) resolve("");
      else if (error.code === "ENOENT") resolve(new Error("there is no program crontab here"));
      else resolve(new Error(stderr.trim().split("\n")[0] || error.message));
    });
  });
}
