import { hash } from "node:crypto";
import type { Config } from "./config.ts";

/**
 * SHA-256 (hex) of what the agent is configured to do: key order, paths on this machine, where its page and its gateway are served and
 * the values of secrets make no difference, so that a scratch state directory or a renewed key leaves the evidence of
 * drills valid.
 */
export function configHash(config: Config): string {
  const { secrets, secretFiles: _files, kindFiles: _kinds, ...shown } = config;
  const { paths: _paths, dashboard: _dashboard, database: _database, gateway, ...rest } = shown;
  const { listen: _listen, tls: _tls, isBehindProxy: _isBehindProxy, ...relayed } = gateway;
  return hash("sha256", JSON.stringify(canonical({ ...rest, gateway: relayed }, secrets)));
}

function canonical(value: unknown, secrets: readonly string[]): unknown {
  if (typeof value === "string") {
    return secrets.reduce((text, secret) => text.replaceAll(secret, () => "[secret]"), value);
  }
  if (Array.isArray(value)) return value.map((item) => canonical(item, secrets));
  if (typeof value !== "object" || value === null) return value;
  const keys = Object.keys(value).sort();
  return Object.fromEntries(
    keys.map((key) => [key, canonical((value as Record<string, unknown>)[key], secrets)]),
  );
}
