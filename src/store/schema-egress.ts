import type { Generated } from "kysely";

/* The tables of egress, and what else is remembered by name; the conventions are those of schema.ts. */

export interface HttpCacheTable {
  /** SHA-256 of the address, in hex: a feed's address may hold a token. */
  url_hash: string;
  etag: string | null;
  last_modified: string | null;
  content_type: string;
  body: Uint8Array;
  fetched_at: number;
}

export interface RobotsTable {
  origin: string;
  /** What a crawler may assume: the file's rules, everything (4xx), or nothing (5xx, unreachable). */
  verdict: "rules" | "allow" | "disallow";
  body: string;
  fetched_at: number;
}

/** Single values; store/meta.ts names them. */
export interface MetaTable {
  key: string;
  value: number;
}

export interface HostLimitsTable {
  host: string;
  /** The next request to this host may leave at this instant. */
  next_at: number;
}

/** What the runs of a job have dealt with before; `seen_at` is when one last asked about it, give or take a month. */
export interface SeenTable {
  job_name: string;
  key: string;
  seen_at: number;
}

export interface SchedulesTable {
  job_name: string;
  /** The schedule the slot belongs to; when afk.yaml says another, the count starts anew. */
  schedule: string;
  last_slot_at: number;
}

/** Whose state it is: the newest row. */
export interface OwnersTable {
  id: Generated<number>;
  agent: string;
  since_at: number;
}
