/** Where a fleet keeps what it knows. */
export interface DatabaseTarget {
  /** With the password. */
  url: string;
  /** The agent's own: several agents share a database. */
  schema: string;
}
