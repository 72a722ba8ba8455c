import { resolve } from "node:path";
import { MISSING_CAP } from "../config/caps.ts";
import type { Config } from "../config/config.ts";
import { type Environment, processEnvironment } from "../config/environment.ts";
import { ConfigError } from "../config/errors.ts";
import { isOpenToAll, offeredModels } from "../config/gateway-check.ts";
import type { JobSettingsKind } from "../config/job-kind.ts";
import { askedModels } from "../config/job-models.ts";
import { type LiveConfig, type LiveOptions, openLiveConfig } from "../config/live.ts";
import { loadCaps, loadConfig } from "../config/load.ts";
import { expandHome, locate, refuseNoAgent } from "../config/locations.ts";
import { formatPath, isSection } from "../config/path.ts";
import { readYaml } from "../config/yaml.ts";
import { isFree, priceOf, priceProblem } from "../providers/prices.ts";
import { refuseForgotten } from "./forgotten-database.ts";
import { refuseFormerState } from "./own-state.ts";

/** The kinds of jobs that the configuration may use. @throws ConfigError for a file of them that cannot be loaded */
export type KindsOf = () => readonly JobSettingsKind[];

/** Where a configuration comes from; what is left out is taken from the environment, then from the working folder. */
export interface ConfigSources {
  config?: string | undefined;
  state?: string | undefined;
  environment?: Environment;
}

/**
 * Reads the configuration and checks what the file alone cannot: that every model of the chain and the gateway has a price, since the
 * calls of one without could not be bounded, and that there is a daily cap in dollars where one costs money.
 * @throws ConfigError (exit 78); NoAgent (exit 66)
 */
export function readConfig(sources: ConfigSources, kinds: KindsOf): Config {
  const environment = sources.environment ?? processEnvironment();
  const where = { environment, configFile: sources.config, state: sources.state, cwd: process.cwd() };
  refuseNoAgent(locate(where));
  const config = loadConfig({ ...where, jobKinds: kinds() });
  if (!sources.state && !environment.AFK_STATE) refuseFormerState(config, where.cwd);
  refuseForgotten(config);
  const named = [...askedModels(config), ...offeredModels(config)];
  const unpriced = named.flatMap(({ path, reference }) => {
    const message = priceProblem(reference, config.models);
    return message === null ? [] : [{ path: formatPath(path), message }];
  });
  if (unpriced.length > 0) throw new ConfigError(config.paths.configFile, unpriced);
  const costly = named.find(({ reference }) => !isFree(priceOf(reference, config.models)));
  if (costly !== undefined) refuseUncapped(config, `${costly.reference} costs money`);
  if (isOpenToAll(config)) refuseUncapped(config, "the gateway offers every model that has a price");
  return config;
}

/**
 * For what costs money, where the file states no cap in dollars.
 * @throws ConfigError (exit 78)
 */
export function refuseUncapped(config: Config, because: string): void {
  if (config.budget.caps.day_micros !== undefined) return;
  const message = `${MISSING_CAP}, since ${because}`;
  throw new ConfigError(config.paths.configFile, [{ path: "budget.daily_cap_usd", message }]);
}

/** The same for an agent at work, whose file may change. Throws ConfigError as long as the first is refused. */
export function readLiveConfig(
  sources: ConfigSources,
  kinds: KindsOf,
  onChange: LiveOptions["onChange"],
): LiveConfig {
  // The environment and the working folder of the start hold for as long as the process does.
  const environment = sources.environment ?? processEnvironment();
  const { config, state } = sources;
  const file = locate({ environment, configFile: config, state, cwd: process.cwd() }).configFile;
  const settings = {
    environment,
    config: file,
    ...(state && { state: resolve(expandHome(state, environment)) }),
  };
  return openLiveConfig({
    file,
    read: () => readConfig(settings, kinds),
    readCaps: () => loadCaps(file, environment),
    onChange,
  });
}

/**
 * The names of the jobs, or of the gateway's clients, in afk.yaml, as far as they can be read, for a shell that completes
 * them: while somebody types, a configuration that is refused elsewhere is no error, and a missing one neither.
 */
export function statedNames(
  { config, environment = processEnvironment() }: ConfigSources,
  of: "jobs" | "clients",
): string[] {
  try {
    const top = readYaml(resolve(config || environment.AFK_CONFIG || "afk.yaml"));
    const file = isSection(top) ? top : {};
    const parent = of === "clients" ? file.gateway : file;
    const found = isSection(parent) ? parent[of] : [];
    const entries: unknown[] = Array.isArray(found) ? found : [];
    const names = entries.flatMap((entry) =>
      isSection(entry) && typeof entry.name === "string" ? [entry.name] : [],
    );
    // What a shell splits or expands is no name either.
    return names.filter((name) => /^[A-Za-z0-9][\w.-]*$/.test(name));
  } catch (error) {
    if (error instanceof ConfigError) return [];
    throw error;
  }
}
