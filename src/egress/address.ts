import { lookup as lookupAll } from "node:dns/promises";
import { isIP, type LookupFunction } from "node:net";
import ipaddr from "ipaddr.js";
import { once } from "../lib/once.ts";
import { EgressFailed, EgressRefused } from "./errors.ts";

export interface ResolvedAddress {
  address: string;
  family: number;
}

/** All addresses of a host name. Injected in tests. */
export type Resolve = (hostname: string) => Promise<ResolvedAddress[]>;

export const systemResolve: Resolve = (hostname) => lookupAll(hostname, { all: true });

/**
 * Whether `ip` (canonical dotted quad, or IPv6 without brackets or zone) is an address of the public internet. IPv4 inside
 * IPv6 is judged as IPv4 where networks of today use it (mapped addresses; NAT64, RFC 6052) and refused where not.
 */
export function isPublicAddress(ip: string): boolean {
  const address = parseAddress(ip);
  if (address === null || isMetadata(address)) return false;
  // 2000::/3 is all that is assigned as global unicast (RFC 4291); `unicast` alone would let ::127.0.0.1 pass.
  if (address instanceof ipaddr.IPv6 && !address.match(ipaddr.IPv6.parse("2000::"), 3)) return false;
  return address.range() === "unicast";
}

/**
 * What a connection may go to: public addresses, and for a host in `egress.allow_private` private and loopback ones too.
 * Link-local addresses and the metadata services of clouds are refused to everybody.
 */
export function isPermittedAddress(ip: string, mayBePrivate: boolean): boolean {
  if (isPublicAddress(ip)) return true;
  const address = parseAddress(ip);
  if (!mayBePrivate || address === null || isMetadata(address)) return false;
  return PRIVATE_RANGES.has(address.range());
}

/** Whether `ip` is an address of this machine or of a network of its own, and of nobody's service. */
export function isOwnNetworkAddress(ip: string): boolean {
  const address = parseAddress(ip);
  return address !== null && !isMetadata(address) && OWN_RANGES.has(address.range());
}

/**
 * A `connect.lookup` that resolves once, refuses when any address is not permitted, and hands over the very addresses it
 * checked: a second resolution could give others (DNS rebinding). Sockets call it for names only, never for IP literals.
 */
export function checkedLookup(resolve: Resolve, mayBePrivate: (hostname: string) => boolean): LookupFunction {
  return (hostname, options, callback) => {
    resolvePermitted(hostname, resolve, mayBePrivate(hostname)).then(
      (addresses) => {
        if (options.all) callback(null, addresses);
        else callback(null, addresses[0].address, addresses[0].family);
      },
      (error) => callback(error, ""),
    );
  };
}

async function resolvePermitted(
  hostname: string,
  resolve: Resolve,
  mayBePrivate: boolean,
): Promise<[ResolvedAddress, ...ResolvedAddress[]]> {
  const [first, ...rest] = await resolve(hostname);
  if (first === undefined) throw new EgressFailed(`${hostname} has no address`, { isDown: true });
  const refused = [first, ...rest].find(({ address }) => !isPermittedAddress(address, mayBePrivate));
  if (refused !== undefined) throw addressRefused(hostname, refused.address);
  return [first, ...rest];
}

export function addressRefused(hostname: string, address: string): EgressRefused {
  const remedy = isPermittedAddress(address, true)
    ? `if that is meant, add ${hostname} to egress.allow_private`
    : "nothing can allow that";
  return new EgressRefused(`${hostname} is at ${address}, which is not a public address; ${remedy}`);
}

const PRIVATE_RANGES = new Set<string>(["private", "loopback", "uniqueLocal", "carrierGradeNat"]);

/** What egress refuses to everybody besides: 169.254.0.0/16 and fe80::/10, and 0.0.0.0 and ::, which lead to this machine. */
const OWN_RANGES = new Set<string>([...PRIVATE_RANGES, "linkLocal", "unspecified"]);

/** Metadata services outside 169.254.0.0/16: Azure, Alibaba, and the unique-local ones of AWS, Oracle and Google. */
const metadata = once(() =>
  ["168.63.129.16/32", "100.100.100.200/32", "fd00:ec2::/32", "fd00:c1::/32", "fd20:ce::/32"].map((cidr) =>
    ipaddr.parseCIDR(cidr),
  ),
);

function isMetadata(address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  return metadata().some(
    ([network, bits]) => network.kind() === address.kind() && address.match(network, bits),
  );
}

/** Null for what is not one plain address. ipaddr.js alone would also read `127.1` and `0x7f000001`. */
function parseAddress(ip: string): ipaddr.IPv4 | ipaddr.IPv6 | null {
  if (isIP(ip) === 0 || ip.includes("%")) return null;
  const address = ipaddr.process(ip);
  if (address instanceof ipaddr.IPv6 && address.match(ipaddr.IPv6.parse("64:ff9b::"), 96)) {
    return new ipaddr.IPv4(address.toByteArray().slice(12));
  }
  return address;
}
