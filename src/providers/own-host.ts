import { isOwnNetworkAddress } from "../egress/address.ts";

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
