/** A page that was fetched, to ask the server whether it changed. */
export interface HttpCacheTable {
  /** SHA-256 of the address, in hex: a feed's address may hold a token. */
  url_hash: string;
  etag: string | null;
  last_modified: string | null;
  content_type: string;
  body: Uint8Array;
  fetched_at: number;
}

/** The robots.txt of an origin. */
export interface RobotsTable {
  origin: string;
  /** What a crawler may assume: the file's rules, everything (4xx), or nothing (5xx, unreachable). */
  verdict: "rules" | "allow" | "disallow";
  body: string;
  fetched_at: number;
}

/** The pace of requests to a host. */
export interface HostLimitsTable {
  host: string;
  /** The next request to this host may leave at this instant. */
  next_at: number;
}
