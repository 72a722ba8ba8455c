import { lookup as lookupAll } from "node:dns/promises";
import type { LookupFunction } from "node:net";
import { isPermittedAddress } from "../http/address.ts";
import { EgressFailed, EgressRefused } from "./errors.ts";

/** One address of a name; `family` is 4 or 6. */
interface ResolvedAddress {
  address: string;
  family: number;
}

/** All addresses of a host name. Injected in tests. */
export type Resolve = (hostname: string) => Promise<ResolvedAddress[]>;

/** The system's resolver, with every address it knows. */
export const systemResolve: Resolve = (hostname) => lookupAll(hostname, { all: true });

/**
 * A `connect.lookup` that resolves once, refuses when any address is not permitted, and gives the very addresses that it
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

/** The refusal of a name at an address that is not permitted, with what would permit it. */
export function addressRefused(hostname: string, address: string): EgressRefused {
  const remedy = isPermittedAddress(address, true)
    ? `if that is meant, add ${hostname} to egress.allow_private`
    : "nothing can allow that";
  return new EgressRefused(`${hostname} is at ${address}, which is not a public address; ${remedy}`);
}
