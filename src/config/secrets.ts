import type { ChannelConfig, DashboardConfig, HeartbeatConfig, ModelsConfig } from "./config.ts";
import { isLoopbackHost } from "./hosts.ts";
import { formatPath } from "./path.ts";
import type { Replacement } from "./substitute.ts";

const LENGTH_MIN = 6;
/** Tokens in addresses are at least this long; shorter parts are words such as `services`. */
const TOKEN_LENGTH_MIN = 16;

/** Values that every output shows by their nature; hiding them would only garble the log. */
const PUBLIC =
  /^(?:agent|timezone|models\.chain\b.*|egress\b.*|dashboard\.(?:bind|hosts\b.*)|jobs\[\d+\]\.(?:name|kind|schedule|every))$/;

/**
 * The texts that must never appear in a log: what came from the environment or its files, provider keys, and the
 * addresses that anybody who knows them can use, whole and by the long parts that make them secret. Longest first,
 * so that hiding one does not leave the rest of another. An address on this machine that the file states is none.
 */
export function collectSecrets(config: {
  models: ModelsConfig;
  alerts: ChannelConfig[];
  heartbeat: HeartbeatConfig;
  dashboard: Pick<DashboardConfig, "token">;
  replacements: readonly Replacement[];
}): string[] {
  const secrets = new Set<string>();
  for (const { path, values } of config.replacements) {
    if (!PUBLIC.test(formatPath(path))) for (const value of values.values()) secrets.add(value);
  }
  for (const { apiKey } of Object.values(config.models.providers)) if (apiKey !== null) secrets.add(apiKey);
  if (config.dashboard.token !== null) secrets.add(config.dashboard.token);
  for (const { mail } of config.alerts) if (mail?.password) secrets.add(mail.password);
  // Whoever knows the address of a mail server cannot send by that alone.
  const channels = config.alerts.filter((channel) => channel.type !== "email");
  const addresses = [...channels.map((channel) => channel.url), config.heartbeat.pingUrl];
  for (const address of addresses) {
    if (address !== null && !isLoopbackHost(new URL(address).hostname))
      for (const part of secretParts(address)) secrets.add(part);
  }
  return [...secrets].filter((secret) => secret.length >= LENGTH_MIN).sort((a, b) => b.length - a.length);
}

function secretParts(address: string): string[] {
  const url = new URL(address);
  const parts = [...url.pathname.split("/"), ...url.searchParams.values()];
  return [address, ...parts.filter((part) => part.length >= TOKEN_LENGTH_MIN)];
}
