import { isIP } from "node:net";
import type { EgressConfig } from "../config/config.ts";
import { isPermittedAddress } from "../http/address.ts";
import { type Connection, type ConnectionRequest, openConnection } from "../http/connection.ts";
import { addressRefused, checkedLookup, type Resolve, systemResolve } from "./address.ts";
import { isAllowed, normalizeHost } from "./allowlist.ts";
import { EgressRefused } from "./errors.ts";
import { mayBePrivate } from "./url.ts";

/** A connection that is asked for; what the host's name leads to is not the caller's. */
export type ConnectTo = Omit<ConnectionRequest, "lookup">;

/** Opens a connection for a protocol other than HTTP, to a host of `egress.allow` at an address that was checked. */
export type Connect = (target: ConnectTo) => Promise<Connection>;

/**
 * Makes the one way to a server that does not speak HTTP: the same allowlist and rules for addresses as for requests.
 * Its `Connect` throws EgressRefused when policy says no, else what `openConnection` throws.
 */
export function createConnect(
  config: Pick<EgressConfig, "allow" | "allowPrivate">,
  resolve: Resolve = systemResolve,
): Connect {
  const lookup = checkedLookup(resolve, (hostname) => mayBePrivate(hostname, config));
  return async ({ host: written, ...rest }) => {
    const name = normalizeHost(written);
    if (name === null || !isAllowed(name, config.allow))
      throw new EgressRefused(
        `${written.slice(0, 253)} was not connected to: add it to egress.allow to let it through`,
      );
    const host = name.replace(/^\[|\]$/g, "");
    // Sockets look names up, and no addresses.
    if (isIP(host) !== 0 && !isPermittedAddress(host, mayBePrivate(name, config)))
      throw addressRefused(name, host);
    return await openConnection({ ...rest, host, lookup });
  };
}
