import { readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Environment } from "../../config/environment.ts";
import type { ConfigError } from "../../config/errors.ts";
import { KEY_VARIABLES } from "../../config/models-schema.ts";
import { plural } from "../../lib/text.ts";
import { bad, type Finding, type Found, ok, type WithConfig } from "./check.ts";

/** Which configuration is in use. */
export function configuration({ config }: WithConfig): Found {
  const count = config.jobs.length;
  const jobs = plural(count, "job");
  return ok(`${config.paths.configFile}: agent ${config.agent}, ${jobs}`);
}

/** Each fault of a refused configuration is a finding of its own; its message says what to write. */
export function refusedConfiguration(file: string, error: ConfigError): Finding[] {
  const mend = `write what it says, in ${file}`;
  if (error.issues.length === 0) return [bad(error.message, mend)];
  return error.issues.map(({ path, message }) => {
    const isPrice = /^models\.chain\[\d+\]$/.test(path) && message.includes("models.prices");
    const finding = bad(path === "" ? message : `${path}: ${message}`, mend);
    return isPrice ? { ...finding, name: "prices" } : finding;
  });
}

/** Variables that afk reads without afk.yaml naming them. */
const ALWAYS_READ = ["ALERT_WEBHOOK", ...KEY_VARIABLES, "DASHBOARD_TOKEN"];

const OTHERS_READ = 0o004;
const OTHERS_WRITE = 0o022;
/** Where container engines put secrets: readable for all, in a file system that only the container sees. */
const MOUNTED = "/run/secrets/";

/** The files that hold secrets: who owns them, and who else can read or write them. */
export function secrets({ config, host }: WithConfig): Found {
  const { configFile, base } = config.paths;
  const text = readFileSync(configFile, "utf8");
  const literal = literalSecrets(text, config.secrets);
  const files = [
    ...secretFiles(text, host.environment).map(({ name, path }) => ({ what: `${name}_FILE`, path })),
    { what: "the environment file", path: host.envFile },
    ...config.jobs.flatMap(({ name, envFile }) =>
      envFile === undefined ? [] : [{ what: `env_file of ${name},`, path: resolve(base, envFile) }],
    ),
    { what: "the environment file", path: join(base, ".env") },
    ...(literal ? [{ what: "the configuration, which holds a secret itself,", path: configFile }] : []),
  ];
  const seen = files.filter(({ path }) => statSync(path, { throwIfNoEntry: false })?.isFile());
  const faults = [
    ...seen.flatMap(({ what, path }) => faultsOf(what, path, host.userId)),
    ...faultsOfFolder(dirname(configFile)),
  ];
  if (faults.length > 0) return faults;
  if (seen.length === 0) return ok("in no file here");
  return ok(`nobody else can read ${seen.map(({ path }) => path).join(", ")}`);
}

/** The files that secrets are read from: for each `${NAME}` of afk.yaml that NAME does not state and NAME_FILE does. */
function secretFiles(configText: string, environment: Environment): { name: string; path: string }[] {
  const named = [...configText.matchAll(/\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g)].map((match) => match[1] ?? "");
  return [...new Set([...named, ...ALWAYS_READ])].flatMap((name) => {
    const path = Object.hasOwn(environment, `${name}_FILE`) ? environment[`${name}_FILE`] : undefined;
    return path === undefined || path === "" || (environment[name] ?? "") !== "" ? [] : [{ name, path }];
  });
}

/** Whether one of the secrets stands in the file itself. */
function literalSecrets(configText: string, secrets: readonly string[]): boolean {
  // A shorter one may stand there as a word.
  return secrets.some((secret) => secret.length >= 6 && configText.includes(secret));
}

function faultsOf(what: string, path: string, userId: number | null): Finding[] {
  const { uid, mode } = statSync(path);
  const shown = `${what} ${path}`;
  const isForeign = userId !== null && userId !== 0 && uid !== 0 && uid !== userId;
  if ((mode & OTHERS_WRITE) !== 0)
    return [bad(`others can write ${shown} (${modeText(mode)})`, `chmod 600 ${path}`)];
  if ((mode & OTHERS_READ) !== 0 && !path.startsWith(MOUNTED)) {
    const isConfiguration = what.startsWith("the configuration");
    const orElse = isConfiguration ? ", or state it as a variable of the environment" : "";
    const found = `anybody on this machine can read ${shown} (${modeText(mode)})`;
    return [bad(found, `chmod 600 ${path}${orElse}`)];
  }
  const found = `${shown} belongs to user ${uid}, who is neither root nor this user`;
  return isForeign ? [bad(found, `chown ${userId} ${path}`)] : [];
}

/** Who can write to the folder can put another afk.yaml there, with another cap. */
function faultsOfFolder(dir: string): Finding[] {
  const { mode } = statSync(dir);
  const isSticky = (mode & 0o1000) !== 0;
  if ((mode & 0o002) === 0 || isSticky) return [];
  return [bad(`anybody on this machine can replace what is in ${dir}`, `chmod o-w ${dir}`)];
}

function modeText(mode: number): string {
  return (mode & 0o777).toString(8).padStart(4, "0");
}
