import { isIP } from "node:net";
import { networkInterfaces } from "node:os";
import { isPermittedAddress } from "../http/address.ts";
import type { ProxyRules, Target } from "../http/proxy.ts";
import { addressRefused, checkedLookup, type Resolve, systemResolve } from "./address.ts";
import { isAllowed, normalizeHost } from "./allowlist.ts";
import { EgressRefused } from "./errors.ts";

/** Whom programs may reach through afk's proxy. */
interface Allowed {
  /** `host`, for the ports 80 and 443, or `host:port`; hosts as in `egress.allow`. */
  allow: readonly string[];
  allowPrivate: readonly string[];
  /** Hosts of models' providers, which nobody reaches through it. */
  providers: readonly string[];
  /** Ports of this machine that nobody reaches through it: afk's own. */
  ownPorts: readonly number[];
  /** Where the list stands in afk.yaml, for messages: `egress.allow`. */
  listName: string;
}

/** The ports of an entry that names none. */
const WEB_PORTS = [80, 443];

/**
 * The rules of a run's proxy. A name is resolved once, and refused when any of its addresses may not be reached; `resolve` is the
 * system's resolver unless a test says otherwise.
 */
export function proxyRules(allowed: Allowed, resolve: Resolve = systemResolve): ProxyRules {
  const checked = checkedLookup(resolve, (host) => isAllowed(host, allowed.allowPrivate));
  return {
    admit(method, asked) {
      const target = targetOf(method, asked);
      if (target === null)
        return { host: null, refusal: "the proxy takes CONNECT host:port, and whole addresses of http" };
      const refusal = refusalOf(target, allowed);
      return refusal === null ? target : { host: `${target.host}:${target.port}`, refusal };
    },
    lookup: (port) => (hostname, options, callback) =>
      checked(hostname, options, (error, address, family) => {
        if (error !== null) return callback(error, address, family);
        const found = typeof address === "string" ? [address] : address.map((each) => each.address);
        if (found.some((each) => isOwn(each, port, allowed.ownPorts)))
          callback(ownRefused(hostname, port), "");
        else callback(null, address, family);
      }),
  };
}

/** What a request asks for; null where it is none that a proxy takes. */
function targetOf(method: string, asked: string): Target | null {
  if (method === "CONNECT") {
    const [, written = "", port = ""] = /^(\[[^\]]*\]|[^:/?#@\s]+):(\d{1,5})$/.exec(asked) ?? [];
    const host = normalizeHost(written);
    return host === null || Number(port) < 1 || Number(port) > 65_535
      ? null
      : { host, port: Number(port), path: "" };
  }
  const url = URL.parse(asked);
  if (url === null || url.protocol !== "http:" || url.username !== "" || url.password !== "") return null;
  const host = normalizeHost(url.hostname);
  return host === null ? null : { host, port: Number(url.port || 80), path: `${url.pathname}${url.search}` };
}

/** Why a target is not reached, as a sentence that says what to do; null where its name is allowed. Addresses are checked later. */
function refusalOf({ host, port }: Target, rules: Allowed): string | null {
  if (isAllowed(host, rules.providers))
    return `${host} is a provider of models, which programs ask through afk's gateway alone, so that the caps hold`;
  if (!isListed(host, port, rules.allow))
    return `${host}:${port} is not allowed; add ${WEB_PORTS.includes(port) ? host : `${host}:${port}`} to ${rules.listName} in afk.yaml to let programs reach it`;
  const literal = host.replace(/^\[|\]$/g, "");
  if (isIP(literal) === 0) return null;
  if (!isPermittedAddress(literal, isAllowed(host, rules.allowPrivate)))
    return addressRefused(host, literal).message;
  return isOwn(literal, port, rules.ownPorts) ? ownRefused(host, port).message : null;
}

function isListed(host: string, port: number, allow: readonly string[]): boolean {
  return allow.some((entry) => {
    const [, pattern = entry, stated] = /^(.*[^:]):(\d+)$/.exec(entry) ?? [];
    return (
      isAllowed(host, [pattern]) &&
      (stated === undefined ? WEB_PORTS.includes(port) : Number(stated) === port)
    );
  });
}

/** Whether it is a port of afk's own: on loopback, or at another address of this machine. */
function isOwn(address: string, port: number, ownPorts: readonly number[]): boolean {
  if (!ownPorts.includes(port)) return false;
  const here = Object.values(networkInterfaces()).flatMap((each) => (each ?? []).map((one) => one.address));
  return /^127\.|^::1$|^::ffff:127\./.test(address) || here.includes(address.replace(/^::ffff:/, ""));
}

function ownRefused(host: string, port: number): EgressRefused {
  return new EgressRefused(`${host}:${port} is afk's own, which programs do not reach through its proxy`);
}
