import { type FreeErrors, OWN_ERRORS } from "../failures.ts";
import type { KnownProvider, TokenLimit } from "../types.ts";
import table from "./known.json" with { type: "json" };

/** Which field of a request bounds the reply. */
export const TOKEN_LIMITS = [
  "max_tokens",
  "max_completion_tokens",
  "both",
] as const satisfies readonly TokenLimit[];

interface KnownServer extends KnownProvider {
  tokenLimit: TokenLimit;
  freeErrors: FreeErrors | null;
  billedErrors?: number[];
}

interface Row extends KnownProvider {
  tokenLimit: string;
  freeErrors: string | number[] | null;
  billedErrors?: number[];
}

/** The servers of known.json, which need nothing but a key, by their names. */
export const KNOWN_SERVERS: Readonly<Record<string, KnownServer>> = Object.fromEntries(
  Object.entries<Row>(table.servers).map(([name, { freeErrors, tokenLimit, ...row }]) => {
    const field = TOKEN_LIMITS.find((each) => each === tokenLimit) ?? "max_tokens";
    return [name, { ...row, tokenLimit: field, freeErrors: errorsOf(freeErrors, row.billedErrors) }];
  }),
);

function errorsOf(free: Row["freeErrors"], billed: readonly number[] = []): FreeErrors | null {
  if (free === "own") return OWN_ERRORS;
  const listed = Array.isArray(free) ? free : [];
  if (listed.length + billed.length === 0) return null;
  return (status) => (billed.includes(status) ? false : listed.includes(status) ? true : null);
}

/** The known server at an address, with its name: that very host over https, and none whose name begins or ends like its. */
export function knownAt(url: URL): { name: string; server: KnownServer } | null {
  if (url.protocol !== "https:") return null;
  const found = Object.entries(KNOWN_SERVERS).find(
    ([, { baseUrl }]) => baseUrl !== null && url.host === new URL(baseUrl).host,
  );
  return found === undefined ? null : { name: found[0], server: found[1] };
}

/** What is known of the cost of a server's own errors; one that bills some does so in its regions too. */
export function freeErrorsAt(url: URL): FreeErrors | null {
  const known = knownAt(url);
  if (known !== null) return known.server.freeErrors;
  const region = Object.values(KNOWN_SERVERS).find(
    ({ baseUrl, billedErrors }) =>
      baseUrl !== null && billedErrors !== undefined && url.host.endsWith(`.${new URL(baseUrl).host}`),
  );
  return region?.freeErrors ?? null;
}
