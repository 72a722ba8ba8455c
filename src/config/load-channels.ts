import type { ChannelConfig } from "../alerts/channels/channel.ts";
import { channelId } from "../alerts/channels/registry.ts";
import { channelsSchema, readChannels } from "../alerts/channels/schema.ts";
import { isTimezone } from "./fields.ts";
import { readHostSettings } from "./host-settings.ts";
import type { LoadOptions } from "./load.ts";
import { locate } from "./locations.ts";
import { nameIn, readSections } from "./loosely.ts";
import { parse } from "./parse.ts";
import { collectSecrets } from "./secrets.ts";
import { substitute } from "./substitute.ts";

/** Whom to tell when the configuration as a whole is refused. */
export interface LooseChannels {
  /** The agent's name, or what stands for it where the file gives none. */
  agent: string;
  /** What the file states if it is one, else UTC. */
  timezone: string;
  channels: ChannelConfig[];
  secrets: string[];
}

/**
 * The alert channels alone, each judged by itself: a typing error elsewhere in afk.yaml must not silence the alert that
 * would tell of it. A channel that is itself wrong is left out. Throws nothing that the file can cause.
 */
export function loadChannels(options: Omit<LoadOptions, "jobKinds">): LooseChannels {
  const { environment } = options;
  const host = readHostSettings(environment, []);
  const top = readSections(locate(options).configFile);
  const entries = Array.isArray(top.alerts) ? top.alerts : [];
  const readings = entries.map((entry) => substitute([entry], environment));
  const stated = readings.map(({ value, issues }) =>
    issues.length > 0
      ? null
      : parse(channelsSchema(), value, { prefix: ["alerts"], written: new Map() }).output,
  );
  const readable = stated.flatMap((each) => each ?? []);
  // Also where the file names some and none of them can be read: somebody has to be told.
  const channels = readChannels(readable, readable.length === 0 ? host.channel : null);
  const byId = new Map(channels.map((channel) => [channelId(channel), channel]));
  const secrets = collectSecrets({
    file: { alerts: readings.flatMap(({ value }) => value) },
    channels: host.channel === null ? channels : [...channels, host.channel],
    heartbeat: null,
    replacements: readings.flatMap(({ replacements }) => replacements),
  });
  const { timezone: zone } = top;
  const timezone = typeof zone === "string" && isTimezone(zone) ? zone : "UTC";
  return { agent: nameIn(top) ?? "afk", timezone, channels: [...byId.values()], secrets };
}
