import type { ChannelConfig } from "../alerts/channels/channel.ts";
import { channelId } from "../alerts/channels/registry.ts";
import { ConfigError, type ConfigIssue } from "./errors.ts";
import { readHostSettings } from "./host-settings.ts";
import type { LoadOptions } from "./load.ts";
import { locate } from "./locations.ts";
import { parse } from "./parse.ts";
import { isSection } from "./path.ts";
import { configSchema } from "./schema.ts";
import { substitute } from "./substitute.ts";
import { toConfig } from "./to-config.ts";
import { readYaml } from "./yaml.ts";

/** Whom to tell when the configuration as a whole is refused. */
export interface LooseChannels {
  /** The agent's name, or what stands for it where the file gives none. */
  agent: string;
  channels: ChannelConfig[];
  secrets: string[];
}

/**
 * The alert channels alone, each judged by itself: a typing error elsewhere in afk.yaml must not silence the pager that
 * would tell of it. A channel that is itself wrong is left out. Throws nothing that the file can cause.
 */
export function loadChannels(options: LoadOptions): LooseChannels {
  const { environment } = options;
  const { configFile, state, stopFile } = locate(options);
  const unheard: ConfigIssue[] = [];
  const host = readHostSettings(environment, unheard);
  const top = readSections(configFile);
  const entries = Array.isArray(top.alerts) ? top.alerts : [];
  const byId = new Map<string, ChannelConfig>();
  const secrets: string[] = [];
  // The host's channel comes with each of them; an empty list is what it comes with when there are none.
  for (const alerts of [[], ...entries.map((entry) => [entry])]) {
    const { value, replacements, issues } = substitute({ ...SOUND, alerts }, environment);
    const { output } = parse(configSchema(), value, { prefix: [], written: new Map() });
    if (output === null || issues.length > 0) continue;
    const config = toConfig(output, {
      jobs: [],
      kindHashes: [],
      host,
      configFile,
      state,
      stopFile,
      replacements,
      raw: value,
    });
    for (const channel of config.alerts) byId.set(channelId(channel), channel);
    secrets.push(...config.secrets);
  }
  return { agent: nameIn(top) ?? "afk", channels: [...byId.values()], secrets };
}

/** The agent's name as the file states it, whatever else is wrong with the file; null where it states none. */
export function looseAgentName(configFile: string): string | null {
  return nameIn(readSections(configFile));
}

function nameIn({ agent }: Record<string, unknown>): string | null {
  return typeof agent === "string" && agent !== "" ? agent.slice(0, 100) : null;
}

/** The least that the schema accepts beside the channels. */
const SOUND = { agent: "afk", budget: { daily_cap_usd: 0 }, models: { chain: ["extractive"] } };

function readSections(configFile: string): Record<string, unknown> {
  try {
    const raw = readYaml(configFile);
    return isSection(raw) ? raw : {};
  } catch (error) {
    if (error instanceof ConfigError) return {};
    throw error;
  }
}
