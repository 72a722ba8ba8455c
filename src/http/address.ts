import { isIP } from "node:net";
import ipaddr from "ipaddr.js";
import { once } from "../lib/once.ts";

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
function isOwnNetworkAddress(ip: string): boolean {
  const address = parseAddress(ip);
  return address !== null && !isMetadata(address) && OWN_RANGES.has(address.range());
}

/** Names by which containers reach the machine they run on; nobody can have them registered (.internal is reserved for private use). */
const CONTAINER_HOSTS = ["host.docker.internal", "host.containers.internal"];

/**
 * Whether an address leads to a machine of the owner's own: loopback, the private network, or a name of a single label, which
 * only a container network or a hosts file knows. Not a name that merely begins or ends like one.
 */
export function isOwnHost({ hostname }: URL): boolean {
  // URL has made decimal, octal and hexadecimal forms of IPv4 into four numbers, and lower case of names.
  if (isOwnNetworkAddress(hostname.replace(/^\[(.*)\]$/, "$1"))) return true;
  if (CONTAINER_HOSTS.includes(hostname) || /(^|\.)localhost$/.test(hostname)) return true;
  return /^[a-z0-9_-]+$/.test(hostname);
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
