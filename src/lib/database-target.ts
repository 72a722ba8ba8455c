/** Where a fleet keeps what it knows. */
export interface DatabaseTarget {
  /** With the password. */
  url: string;
  /** The agent's own: several agents share a database. */
  schema: string;
  /** Whether there is a cap over all agents of the database. */
  hasFleetCap?: boolean;
}
