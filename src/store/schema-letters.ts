/** A job that waits for a person. */
export interface DeadLettersTable {
  job_id: string;
  key: string;
  name: string;
  kind: string;
  payload: string;
  error: string;
  /** What it died of, in the words that are the same for the same cause. Those of one name and cause are one to people. */
  cause: string;
  attempts: number;
  /** What it did so far: names of its steps and the tick, JSON. */
  trace: string;
  died_at: number;
}

/** A model that has refused every call of the latest run that asked it, for a reason that waiting does not heal. */
export interface ModelRefusalsTable {
  model: string;
  since_at: number;
  last_at: number;
  /** In the server's own words. */
  reason: string;
}
