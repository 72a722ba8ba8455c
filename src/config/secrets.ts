import type { ChannelConfig } from "../alerts/channels/channel.ts";
import { secretsOf } from "../alerts/channels/schema.ts";
import { isSecretName } from "../lib/redact.ts";
import type { HeartbeatConfig } from "./config.ts";
import { isLoopbackHost } from "./hosts.ts";
import { formatPath, type Path } from "./path.ts";
import type { Replacement } from "./substitute.ts";

/** What is shorter stands in every text. */
const LENGTH_MIN = 4;
/** Tokens in addresses are at least this long; shorter parts are words such as `services`. */
const TOKEN_LENGTH_MIN = 16;

/** Values that every output shows by their nature; hiding them would only garble the log. */
const PUBLIC =
  /^(?:agent|timezone|models\.chain\b.*|remote\.(?:telegram\b.*|ntfy\.channel)|egress\b.*|dashboard\.(?:bind|hosts\b.*)|gateway\.(?:listen|models\b.*|tls\b.*|clients\[\d+\]\.(?:name|models\b.*|allow\b.*))|jobs\[\d+\]\.(?:name|kind|schedule|every))$/;

/**
 * The texts that must never appear in a log: what came from the environment or its files, what stands under a name that
 * says secret, and the addresses that anybody who knows them can use, whole and by the long parts that make them secret. Longest first,
 * so that hiding one does not leave the rest of another. An address on this machine that the file states is none.
 */
export function collectSecrets(config: {
  /** The file as it was parsed, with what came from the environment. */
  file: unknown;
  channels: ChannelConfig[];
  heartbeat: HeartbeatConfig | null;
  replacements: readonly Replacement[];
  /** What the phone and the database are reached by. */
  others?: readonly string[];
}): string[] {
  const pingUrl = config.heartbeat?.pingUrl ?? null;
  const secrets = [
    ...config.replacements.flatMap(({ path, values }) =>
      PUBLIC.test(formatPath(path)) ? [] : [...values.values()],
    ),
    ...namedSecrets(config.file, [], false),
    ...config.channels.flatMap((channel) => secretsOf(channel, secretParts)),
    ...(pingUrl === null ? [] : secretParts(pingUrl)),
    ...(config.others ?? []),
  ];
  return [...new Set(secrets)]
    .filter((secret) => secret.length >= LENGTH_MIN && !NOTHING.test(secret))
    .sort((a, b) => b.length - a.length);
}

/** Words that say nothing to whoever reads them, and stand in every log. */
const NOTHING = /^(?:true|false|null|none|auto|default)$/i;

/** Every text at or below a name that says secret, and addresses of calendars: whoever knows a private one reads it. */
function namedSecrets(value: unknown, path: Path, isSecret: boolean): string[] {
  if (path.at(-1) === "calendar" && typeof value === "string" && /^(?:https?|webcal):/.test(value))
    return URL.canParse(value) ? secretParts(value) : [value];
  if (typeof value === "string" || typeof value === "number") return isSecret ? [String(value)] : [];
  if (typeof value !== "object" || value === null) return [];
  const entries = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  return entries.flatMap(([key, item]) =>
    namedSecrets(item, [...path, key], isSecret || saysSecret(key, path)),
  );
}

/** Whether the value of this key of the file is a secret by its name. */
export function saysSecret(key: string | number, parent: Path): boolean {
  // `gateway.tls.key` is the path of a file.
  if (typeof key === "number" || (parent[0] === "gateway" && parent[1] === "tls")) return false;
  const words = key
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter((word) => word !== "");
  // Names that people give say more than keys of ours: AUTH_HEADER, PRIVATE_PEM, TOKEN_2; token_limit is no token.
  const isGiven = parent.some((part) => part === "env" || part === "headers");
  if (isGiven) return isSecretName(key) || words.some((word) => GIVEN.test(word));
  return isSecretName(key) || OWN.test(words.at(-1) ?? "");
}

const OWN = /^(?:token|key|password|passwd|passphrase|secret|credentials?|cookie|bearer)$/;
const GIVEN =
  /^(?:tokens?|keys?|passwords?|passwd|pwd|pass|passphrase|pin|secrets?|credentials?|creds?|auth|authorization|cookies?|bearer|private|pat|dsn)$/;

function secretParts(address: string): string[] {
  const url = new URL(address);
  if (isLoopbackHost(url.hostname)) return [];
  const parts = [...url.pathname.split("/"), ...url.searchParams.values()];
  return [address, ...parts.filter((part) => part.length >= TOKEN_LENGTH_MIN)];
}
