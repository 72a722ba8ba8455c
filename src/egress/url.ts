import { isIP } from "node:net";
import type { EgressConfig } from "../config/config.ts";
import { isPermittedAddress } from "../http/address.ts";
import { addressRefused } from "./address.ts";
import { isAllowed, normalizeHost } from "./allowlist.ts";
import { EgressRefused } from "./errors.ts";

/**
 * What the configuration says about an address before anything is sent: http or https, no user information, a host in
 * `egress.allow` (any port of it), and if the host is an IP literal, one that may be connected to.
 * Gives it with the host in its one spelling and without a fragment.
 * @throws EgressRefused
 */
export function checkUrl(text: string, config: Pick<EgressConfig, "allow" | "allowPrivate">): URL {
  const url = URL.parse(text);
  if (url === null)
    throw new EgressRefused(`${withoutSecrets(text)} is not a complete address; write https://host/path`);
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    throw new EgressRefused(`${withoutSecrets(text)} is neither https nor http; nothing else is fetched`);
  }
  const host = normalizeHost(url.hostname);
  if (host === null || !isAllowed(host, config.allow)) {
    throw new EgressRefused(
      `${describeUrl(url)} was not fetched: add ${host ?? url.hostname} to egress.allow to let it through`,
    );
  }
  if (url.username !== "" || url.password !== "") {
    throw new EgressRefused(
      `${describeUrl(url)} was given with a user name or password; afk sends no credentials, remove them`,
    );
  }
  const literal = host.replace(/^\[|\]$/g, "");
  if (isIP(literal) !== 0 && !isPermittedAddress(literal, mayBePrivate(host, config)))
    throw addressRefused(host, literal);
  url.hostname = host;
  url.hash = "";
  return url;
}

/** Whether `egress.allow_private` names the host. */
export function mayBePrivate(host: string, config: Pick<EgressConfig, "allowPrivate">): boolean {
  return isAllowed(host, config.allowPrivate);
}

/** For messages and the log: scheme, host and the start of the path. The query stays out, since it may hold a key. */
export function describeUrl(url: URL): string {
  return clip(`${url.protocol}//${url.host}${url.pathname}`);
}

function withoutSecrets(text: string): string {
  return `"${text
    .replace(/[?#].*$/s, "")
    .replace(/\/\/[^/]*@/, "//")
    .slice(0, 200)}"`;
}

/** A redirect may lead to an address of kilobytes. */
function clip(text: string): string {
  return text.length <= DESCRIBED_CHARS_MAX ? text : `${text.slice(0, DESCRIBED_CHARS_MAX)}…`;
}

const DESCRIBED_CHARS_MAX = 300;
