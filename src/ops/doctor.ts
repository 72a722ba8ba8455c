import type { Config } from "../config/config.ts";
import { ConfigError } from "../config/errors.ts";
import { NoAgent } from "../config/locations.ts";
import { type Clock, systemClock } from "../lib/clock.ts";
import { AfkError, messageOf } from "../lib/errors.ts";
import type { Store } from "../store/store.ts";
import { channels, offHostPing, pingsTaken } from "./doctor/alerts.ts";
import {
  bad,
  type Check,
  type Examination,
  type Found,
  GROUPS,
  type OnHost,
  skipped,
  type WithConfig,
  type WithStore,
} from "./doctor/check.ts";
import { restOfCondition } from "./doctor/condition.ts";
import { configuration, refusedConfiguration, secrets } from "./doctor/configuration.ts";
import { database } from "./doctor/database.ts";
import { deliveries } from "./doctor/deliveries.ts";
import { clientKeys, gateway } from "./doctor/gateway.ts";
import { type Host, thisHost } from "./doctor/host.ts";
import { containment, nodeVersion, timer, wallClock } from "./doctor/machine.ts";
import { modelChecks, refusingModels } from "./doctor/models.ts";
import { breakers, budgetClock, counters, prices } from "./doctor/money.ts";
import { disk, fileSystem, killFlag, killSwitch, lock, outputs, stateFolder } from "./doctor/state.ts";
import { inspectState } from "./inspect-state.ts";
import { type ConfigSources, type KindsOf, readConfig } from "./read-config.ts";

/** What `afk doctor` checks, by what each check needs. To add one: write it in doctor/, and name it here. */
const ON_HOST: readonly Examination<OnHost>[] = [
  ["host", "node", nodeVersion],
  ["host", "timer", timer],
];
const WITH_CONFIG: readonly Examination<WithConfig>[] = [
  ["configuration", "configuration", configuration],
  ["configuration", "secrets", secrets],
  ["state", "state", stateFolder],
  ["state", "disk", disk],
  ["state", "file system", fileSystem],
  ["state", "kill flag", killFlag],
  ["money", "prices", prices],
  ["alerts", "off-host ping", offHostPing],
  ["host", "wall clock", wallClock, "network"],
  ["host", "containment", containment],
  ["host", "gateway", gateway],
];
const WITH_STORE: readonly Examination<WithStore>[] = [
  ["state", "kill switch", killSwitch],
  ["state", "lock", lock],
  ["state", "outputs", outputs],
  ["state", "condition", restOfCondition],
  ["state", "database", database],
  ["money", "counters", counters],
  ["money", "budget clock", budgetClock],
  ["money", "breakers", breakers],
  ["alerts", "alerts", channels],
  ["alerts", "results", deliveries],
  ["alerts", "pings taken", pingsTaken],
  ["models", "refusals", refusingModels],
  ["host", "gateway keys", clientKeys],
];

/** How doctor is to check. */
export interface Diagnosis {
  isOffline: boolean;
  /** For tests. */
  host?: Host;
  clock?: Clock;
  /** Checks of the layers above, such as whether what is in use was released. */
  more?: readonly Examination<WithStore>[];
  /** The same, of what needs no state, as what the jobs of this configuration read and start. */
  moreOfConfig?(config: Config): readonly Examination<WithConfig>[];
}

/**
 * Checks everything that afk stands on, and gives what was found in groups. Changes nothing. A configuration or a state that
 * is refused is a finding, and what does not need it is checked all the same.
 * @throws NoAgent where there is neither.
 */
export async function diagnoseState(
  sources: ConfigSources & { kinds: KindsOf },
  how: Diagnosis,
): Promise<Check[]> {
  const subject = { host: how.host ?? thisHost(sources.environment), clock: how.clock ?? systemClock };
  const onHost = await checkAll(ON_HOST, subject, how);
  const config = await orRefusal(() => readConfig(sources, sources.kinds));
  if (config instanceof NoAgent) throw config;
  if (config instanceof AfkError)
    return inGroups([
      ...onHost,
      ...asChecks("configuration", "configuration", configurationFindings(config)),
    ]);
  const seen = await orRefusal(() =>
    // A state that is not there yet has no STOP file, and is in no database; everything else is looked at where it is.
    inspectState(config, async ({ db, config: { paths, database: target } }) => [
      ...(await examine(
        { ...config, database: target, paths: { ...config.paths, stopFile: paths.stopFile } },
        { db },
        how,
      )),
      ...(target === config.database ? [] : asChecks("state", "database", skipped(UNMADE))),
    ]),
  );
  if (!(seen instanceof AfkError)) return inGroups([...onHost, ...seen]);
  const refused = asChecks("state", "state", bad(seen.message, "do what the message says"));
  // A folder that is out of order would only say the same again.
  const others = WITH_CONFIG.filter((each) => each[2] !== stateFolder);
  const checks = await checkAll(
    [...others, ...(how.moreOfConfig?.(config) ?? []), ...modelChecks(config)],
    { ...subject, config },
    how,
  );
  return inGroups([...onHost, ...refused, ...checks]);
}

const UNMADE =
  "it answers, and has no schema of this agent yet: the first tick makes it, and then it is looked at";

/** The checks of a configuration and a state that are in order. */
export async function examine(config: Config, store: Pick<Store, "db">, how: Diagnosis): Promise<Check[]> {
  const subject = { host: how.host ?? thisHost(), clock: how.clock ?? systemClock, config, store };
  const ofConfig = [...WITH_CONFIG, ...(how.moreOfConfig?.(config) ?? []), ...modelChecks(config)];
  return await checkAll([...ofConfig, ...(how.more ?? []), ...WITH_STORE], subject, how);
}

/** All at once, since most of the time of a check is waiting. */
async function checkAll<Subject>(
  examinations: readonly Examination<Subject>[],
  subject: Subject,
  { isOffline }: Diagnosis,
): Promise<Check[]> {
  const checks = examinations.map(async ([group, name, check, network]) => {
    const isNetwork = network !== undefined;
    if (isNetwork && isOffline) return asChecks(group, name, skipped("not asked (--offline)"), isNetwork);
    try {
      return asChecks(group, name, await check(subject), isNetwork);
    } catch (error) {
      const found = `could not be looked at: ${messageOf(error)}`;
      return asChecks(group, name, bad(found, "mend what it says, and look again"), isNetwork);
    }
  });
  return (await Promise.all(checks)).flat();
}

function asChecks(group: Check["group"], name: string, found: Found, network = false): Check[] {
  return [found].flat().map((finding) => ({ group, name, ...finding, network }));
}

function inGroups(checks: readonly Check[]): Check[] {
  return GROUPS.flatMap((group) => checks.filter((check) => check.group === group));
}

/** An expected refusal as a value; anything else is a bug and goes on. */
async function orRefusal<T>(make: () => T | Promise<T>): Promise<T | AfkError> {
  try {
    return await make();
  } catch (error) {
    if (error instanceof AfkError) return error;
    throw error;
  }
}

function configurationFindings(error: AfkError): Found {
  if (error instanceof ConfigError)
    return refusedConfiguration(error.message.split(" was refused")[0] ?? "afk.yaml", error);
  return bad(error.message, "do what the message says");
}
