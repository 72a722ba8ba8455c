import { ALERT_EVENTS } from "../alerts/events.ts";
import type { Config } from "../config/config.ts";
import { type Environment, processEnvironment } from "../config/environment.ts";
import { ConfigError } from "../config/errors.ts";
import type { JobSettingsKind } from "../config/job-kind.ts";
import { loadConfig } from "../config/load.ts";
import { priceProblem } from "../models/prices.ts";

/** Where a configuration comes from; what is left out is taken from the environment, then from the working folder. */
export interface ConfigSources {
  config?: string | undefined;
  state?: string | undefined;
  environment?: Environment;
}

/**
 * Reads the configuration and checks what the file alone cannot: that every model of the chain has a price, since the
 * calls of one without could not be bounded.
 * @throws ConfigError (exit 78)
 */
export function readConfig(sources: ConfigSources, kinds: readonly JobSettingsKind[]): Config {
  const config = loadConfig({
    environment: sources.environment ?? processEnvironment(),
    configFile: sources.config,
    state: sources.state,
    jobKinds: kinds,
    eventNames: Object.keys(ALERT_EVENTS),
    cwd: process.cwd(),
  });
  const unpriced = config.models.chain.flatMap((reference, index) => {
    const message = priceProblem(reference, config.models.prices);
    return message === null ? [] : [{ path: `models.chain[${index}]`, message }];
  });
  if (unpriced.length > 0) throw new ConfigError(config.paths.configFile, unpriced);
  return config;
}
