/** Where a fleet keeps what it knows. */
export interface DatabaseTarget {
  /** With the password. */
  url: string;
  /** The agent's own: several agents share a database. */
  schema: string;
  /** Whether there is a cap over all agents of the database. */
  hasFleetCap?: boolean;
}

/** What a schema may be called in afk.yaml and on the command line: what needs no quotes. */
export const SCHEMA_NAME = /^[a-z_][a-z0-9_]*$/;
export const SCHEMA_LENGTH_MAX = 63;
