import { isIP } from "node:net";

/**
 * Whether `egress.allow` lets requests go to `host`: an exact name or address, or `*.domain` for the subdomains of
 * `domain` (not `domain` itself). Both sides are read as a URL reads a host, so that case, a trailing dot,
 * international names and odd spellings of addresses make no difference. Anything that is not a bare host is
 * not allowed; neither is an address by a wildcard.
 */
export function isAllowed(host: string, allow: readonly string[]): boolean {
  const name = normalizeHost(host);
  if (name === null) return false;
  return allow.some((entry) => {
    if (!entry.startsWith("*.")) return normalizeHost(entry) === name;
    const domain = normalizeHost(entry.slice(2));
    return domain !== null && !isAddress(name) && name.endsWith(`.${domain}`);
  });
}

/**
 * The one spelling of a host (WHATWG URL, host parsing): lower case, punycode, no trailing dot, IPv6 in brackets.
 * Null when it is not a bare host: a port, a path, user information, an empty label, a space, a wildcard.
 */
export function normalizeHost(host: string): string | null {
  const text = isIP(host) === 6 ? `[${host}]` : host;
  const isBracketed = text.startsWith("[") && text.endsWith("]");
  // URL drops tabs and newlines and reads these others as the end of the host; a host that holds one is a trick.
  if (text === "" || /[\s/\\?#@%*]/.test(text) || (!isBracketed && text.includes(":"))) return null;
  const url = URL.parse(`http://${text}/`);
  if (url === null) return null;
  const name = url.hostname.replace(/\.$/, "");
  return name.split(".").includes("") ? null : name;
}

function isAddress(name: string): boolean {
  return name.startsWith("[") || isIP(name) !== 0;
}
