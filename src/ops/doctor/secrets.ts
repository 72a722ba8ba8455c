import { readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { literalSecrets, secretFiles } from "../../config/secret-files.ts";
import { bad, type Examination, type Finding, ok, type WithConfig } from "./check.ts";

const NAME = "secrets";
const OTHERS_READ = 0o004;
const OTHERS_WRITE = 0o022;
/** Where container engines put secrets: readable for all, in a file system that only the container sees. */
const MOUNTED = "/run/secrets/";

/** The files that hold secrets: who owns them, and who else can read or write them. */
export const secrets: Examination<WithConfig> = {
  group: "configuration",
  name: NAME,
  look: ({ config, host }) => {
    const { configFile, base } = config.paths;
    const text = readFileSync(configFile, "utf8");
    const literal = literalSecrets(text, config.secrets);
    const files = [
      ...secretFiles(text, host.environment).map(({ name, path }) => ({ what: `${name}_FILE`, path })),
      { what: "the environment file", path: host.envFile },
      { what: "the environment file", path: join(base, ".env") },
      ...(literal ? [{ what: "the configuration, which holds a secret itself,", path: configFile }] : []),
    ];
    const seen = files.filter(({ path }) => statSync(path, { throwIfNoEntry: false })?.isFile());
    const faults = [
      ...seen.flatMap(({ what, path }) => faultOf(what, path, host.userId)),
      ...faultOfFolder(dirname(configFile)),
    ];
    if (faults.length > 0) return faults;
    if (seen.length === 0) return [ok(NAME, "in no file here")];
    return [ok(NAME, `nobody else can read ${seen.map(({ path }) => path).join(", ")}`)];
  },
};

function faultOf(what: string, path: string, userId: number | null): Finding[] {
  const { uid, mode } = statSync(path);
  const shown = `${what} ${path}`;
  if ((mode & OTHERS_WRITE) !== 0)
    return [bad(NAME, `others can write ${shown} (${modeText(mode)})`, `chmod 600 ${path}`)];
  if ((mode & OTHERS_READ) !== 0 && !path.startsWith(MOUNTED)) {
    const orElse = what.startsWith("the configuration")
      ? ", or state it as a variable of the environment"
      : "";
    return [
      bad(
        NAME,
        `anybody on this machine can read ${shown} (${modeText(mode)})`,
        `chmod 600 ${path}${orElse}`,
      ),
    ];
  }
  if (userId !== null && userId !== 0 && uid !== 0 && uid !== userId)
    return [
      bad(
        NAME,
        `${shown} belongs to user ${uid}, who is neither root nor this user`,
        `chown ${userId} ${path}`,
      ),
    ];
  return [];
}

/** Who can write to the folder can put another afk.yaml there, with another cap. */
function faultOfFolder(dir: string): Finding[] {
  const { mode } = statSync(dir);
  const isSticky = (mode & 0o1000) !== 0;
  if ((mode & 0o002) === 0 || isSticky) return [];
  return [bad(NAME, `anybody on this machine can replace what is in ${dir}`, `chmod o-w ${dir}`)];
}

function modeText(mode: number): string {
  return (mode & 0o777).toString(8).padStart(4, "0");
}
