import type { Config } from "../config/config.ts";
import { ConfigError } from "../config/errors.ts";
import type { JobSettingsKind } from "../config/job-kind.ts";
import { NoAgent } from "../config/no-agent.ts";
import { type Clock, systemClock } from "../lib/clock.ts";
import { AfkError, messageOf } from "../lib/errors.ts";
import type { Store } from "../store/store.ts";
import { breakers } from "./doctor/breakers.ts";
import { budgetClock } from "./doctor/budget-clock.ts";
import { channels } from "./doctor/channels.ts";
import {
  bad,
  type Check,
  type Examination,
  type Finding,
  GROUPS,
  type OnHost,
  skipped,
  type WithConfig,
  type WithStore,
} from "./doctor/check.ts";
import { configuration, refusedConfiguration } from "./doctor/configuration.ts";
import { containment } from "./doctor/containment.ts";
import { counters } from "./doctor/counters.ts";
import { disk } from "./doctor/disk.ts";
import { fileSystem } from "./doctor/file-system.ts";
import { type Host, thisHost } from "./doctor/host.ts";
import { killFlag, killSwitch } from "./doctor/kill-switch.ts";
import { lock } from "./doctor/lock.ts";
import { modelLooks, refusingModels } from "./doctor/models.ts";
import { nodeVersion } from "./doctor/node-version.ts";
import { offHostPing, pingsTaken } from "./doctor/off-host-ping.ts";
import { outputs } from "./doctor/outputs.ts";
import { prices } from "./doctor/prices.ts";
import { secrets } from "./doctor/secrets.ts";
import { stateFolder } from "./doctor/state-folder.ts";
import { timer } from "./doctor/timer.ts";
import { wallClock } from "./doctor/wall-clock.ts";
import { look } from "./look.ts";
import { type ConfigSources, readConfig } from "./read-config.ts";

/** What `afk doctor` looks at, by what it needs. To add a check: a file in doctor/, and its name here. */
const ON_HOST: readonly Examination<OnHost>[] = [nodeVersion, timer];
const WITH_CONFIG: readonly Examination<WithConfig>[] = [
  configuration,
  secrets,
  stateFolder,
  disk,
  fileSystem,
  killFlag,
  prices,
  offHostPing,
  wallClock,
  containment,
];
const WITH_STORE: readonly Examination<WithStore>[] = [
  killSwitch,
  lock,
  outputs,
  counters,
  budgetClock,
  breakers,
  channels,
  pingsTaken,
  refusingModels,
];

export interface Diagnosis {
  isOffline: boolean;
  /** For tests. */
  host?: Host;
  clock?: Clock;
  /** Checks of the layers above, such as whether what is in use was released. */
  more?: readonly Examination<WithStore>[];
}

/**
 * Looks at everything that afk stands on, and gives what was found in groups. Makes and changes nothing. A configuration or a state that is refused is a finding, and what does not need it is
 * looked at all the same.
 * @throws NoAgent where there is neither.
 */
export async function diagnoseState(
  sources: ConfigSources & { kinds: readonly JobSettingsKind[] },
  how: Diagnosis,
): Promise<Check[]> {
  const subject = { host: how.host ?? thisHost(sources.environment), clock: how.clock ?? systemClock };
  const onHost = await lookAll(ON_HOST, subject, how);
  const config = await orRefusal(() => readConfig(sources, sources.kinds));
  if (config instanceof NoAgent) throw config;
  if (config instanceof AfkError)
    return inGroups([...onHost, ...asChecks("configuration", false, configurationFindings(config))]);
  const seen = await orRefusal(() =>
    look(config, ({ db, config: { paths } }) => {
      // A state that is not there yet has no STOP file; everything else is looked at where it is.
      const { stopFile } = paths;
      return examine({ ...config, paths: { ...config.paths, stopFile } }, { db }, how);
    }),
  );
  if (!(seen instanceof AfkError)) return inGroups([...onHost, ...seen]);
  const refused = asChecks("state", false, [bad("state", seen.message, "do what the message says")]);
  // A folder that is out of order would only say the same again.
  const looks = WITH_CONFIG.filter((look) => look !== stateFolder);
  const checks = await lookAll([...looks, ...modelLooks(config.models.chain)], { ...subject, config }, how);
  return inGroups([...onHost, ...refused, ...checks]);
}

/** The checks of a configuration and a state that are in order. */
export async function examine(config: Config, store: Pick<Store, "db">, how: Diagnosis): Promise<Check[]> {
  const subject = { host: how.host ?? thisHost(), clock: how.clock ?? systemClock, config, store };
  return await lookAll(
    [...WITH_CONFIG, ...modelLooks(config.models.chain), ...(how.more ?? []), ...WITH_STORE],
    subject,
    how,
  );
}

/** All at once, since most of the time of a look is waiting. */
async function lookAll<Subject>(
  looks: readonly Examination<Subject>[],
  subject: Subject,
  { isOffline }: Diagnosis,
): Promise<Check[]> {
  const checks = looks.map(async ({ group, name, network = false, look }) => {
    if (network && isOffline) return asChecks(group, network, [skipped(name, "not asked (--offline)")]);
    try {
      return asChecks(group, network, await look(subject));
    } catch (error) {
      const found = `could not be looked at: ${messageOf(error)}`;
      return asChecks(group, network, [bad(name, found, "mend what it says, and look again")]);
    }
  });
  return (await Promise.all(checks)).flat();
}

function asChecks(group: Check["group"], network: boolean, findings: readonly Finding[]): Check[] {
  return findings.map((finding) => ({ group, ...finding, network }));
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

function configurationFindings(error: AfkError): Finding[] {
  if (error instanceof ConfigError)
    return refusedConfiguration(error.message.split(" was refused")[0] ?? "afk.yaml", error);
  return [bad("configuration", error.message, "do what the message says")];
}
