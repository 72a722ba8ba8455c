import { cpSync, existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { canInstall, unpackTrixie } from "./apt.ts";
import { run, say } from "./command.ts";

/**
 * Docker's compose and buildx commands. Where the client lacks them, and Debian packages can be unpacked, they are put
 * into a Docker configuration folder of the run, which DOCKER_CONFIG then names.
 */
const PACKAGE_OF = { compose: "docker-compose", buildx: "docker-buildx" } as const;
type Plugin = keyof typeof PACKAGE_OF;

const UNPACKED = "usr/libexec/docker/cli-plugins";

/** @param folder is the run's own. Gives the reason for each command that is missing in the end. */
export async function needPlugins(folder: string): Promise<Partial<Record<Plugin, string>>> {
  const missing = await missingPlugins();
  if (missing.length === 0) return {};
  if (canInstall()) await unpackPlugins(missing, folder);
  const left = await missingPlugins();
  return Object.fromEntries(
    left.map((name) => [name, `\`docker ${name}\` is missing (Debian: ${PACKAGE_OF[name]})`]),
  );
}

async function missingPlugins(): Promise<Plugin[]> {
  const missing: Plugin[] = [];
  for (const name of Object.keys(PACKAGE_OF) as Plugin[]) {
    // An unknown command is no error to every version of the client; only a plugin prints its version.
    const { code, stdout } = await run("docker", [name, "version"]);
    if (code !== 0 || !/\d+\.\d+/.test(stdout)) missing.push(name);
  }
  return missing;
}

async function unpackPlugins(missing: readonly Plugin[], folder: string): Promise<void> {
  const packages = missing.map((name) => PACKAGE_OF[name]);
  say(`${packages.join(" and ")} of Debian 13: used by this run, not installed`);
  const root = await unpackTrixie(packages, join(folder, "trixie"));
  const configuration = join(folder, "docker");
  const plugins = join(configuration, "cli-plugins");
  mkdirSync(plugins, { recursive: true });
  // Registries that the person is logged in to, contexts and plugins stay as they are.
  const own = process.env.DOCKER_CONFIG ?? join(process.env.HOME ?? "/root", ".docker");
  if (existsSync(own)) cpSync(own, configuration, { recursive: true });
  for (const name of readdirSync(join(root, UNPACKED)))
    cpSync(join(root, UNPACKED, name), join(plugins, name));
  process.env.DOCKER_CONFIG = configuration;
}
