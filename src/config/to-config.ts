import { dirname, join } from "node:path";
import { readChannels } from "../alerts/channels/schema.ts";
import { statedBudget } from "./caps.ts";
import type { Config, JobConfig, Paths } from "./config.ts";
import type { HostSettings } from "./host-settings.ts";
import { MINUTES_SAVED_PER_UNIT } from "./jobs.ts";
import type { Locations } from "./locations.ts";
import type { ParsedFile } from "./schema.ts";
import { collectSecrets } from "./secrets.ts";
import type { Replacement } from "./substitute.ts";

/** What the file and the host say together. */
export function toConfig(
  file: ParsedFile,
  parts: {
    jobs: JobConfig[];
    kindHashes: string[];
    host: HostSettings;
    configFile: string;
    state: string;
    stopFile: string;
    replacements: Replacement[];
    /** The file as it was parsed, jobs and all. */
    raw: unknown;
  },
): Config {
  const { kinds: _kinds, budget, value, ...rest } = file;
  const alerts = readChannels(file.alerts, parts.host.channel);
  const { jobs, kindHashes, replacements, raw } = parts;
  return {
    ...rest,
    budget: { ...statedBudget(raw), ...budget },
    alerts,
    kindHashes,
    jobs,
    value: { ...value, minutesSavedPerUnit: value.minutesSavedPerUnit ?? MINUTES_SAVED_PER_UNIT },
    secrets: collectSecrets({ file: raw, alerts, heartbeat: file.heartbeat, replacements }),
    paths: toPaths(parts),
    tickSeconds: parts.host.tickSeconds,
  };
}

function toPaths({ configFile, state, stopFile }: Locations): Paths {
  return {
    configFile,
    base: dirname(configFile),
    state,
    database: join(state, "afk.db"),
    lock: join(state, "lock.db"),
    highWater: join(state, "high-water.json"),
    out: join(state, "out"),
    logs: join(state, "logs"),
    runs: join(state, "runs"),
    stopFile,
  };
}
