/** Where a job is in its life; `dead` used all its attempts. */
export type JobState = "ready" | "running" | "done" | "dead";

/** One run of a job of afk.yaml; its key makes twice once. */
export interface JobsTable {
  id: string;
  key: string;
  name: string;
  kind: string;
  payload: string;
  state: JobState;
  attempts: number;
  max_attempts: number;
  run_at: number;
  lease_until: number | null;
  /** The first of its failures in a row that were no fault of its own; null where it waits for nothing that is down. */
  waiting_since: number | null;
  /** Fencing token: grows with every claim; every later write names it. */
  token: number;
  /** Who claimed it. */
  runner: string | null;
  error: string | null;
  units: number;
  by_hand: number;
  slot_at: number;
  label: string;
  created_at: number;
  updated_at: number;
}

/** The recorded result of a step, as JSON: a run after a crash is given it. */
export interface StepsTable {
  job_id: string;
  name: string;
  result: string;
  created_at: number;
}

/** A file for `out/`. It commits with its job; a pending one is written again until it is there. */
export interface OutputsTable {
  name: string;
  job_id: string;
  content: string;
  state: "pending" | "published";
  created_at: number;
  published_at: number | null;
}

/** Where a draft is on its way from a job to the world. */
export type DraftState = "pending" | "approving" | "done" | "unknown" | "rejected";

/** An irreversible action. Its id is the idempotency key of every try at it. */
export interface DraftsTable {
  id: string;
  job_id: string;
  name: string;
  action: string;
  content: string;
  /** `approving`: a person said yes, and what came of it is not written down yet. `unknown`: it may have been done. */
  state: DraftState;
  created_at: number;
  attempted_at: number | null;
  /** When it was done or rejected. */
  decided_at: number | null;
  /** What was done. */
  summary: string | null;
  /** Why the latest try did not do it, or may not have. */
  error: string | null;
}

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

/**
 * The first process of a program that a job started, from before the program runs until nothing of it is left.
 * Conventions as in schema.ts.
 */
export interface ProcessesTable {
  id: string;
  /** The job's name in afk.yaml. */
  job: string;
  runner: string;
  /** What contains it: `namespace`, `container` or `marks`. */
  containment: string;
  pid: number;
  /** When the process began, as the system tells it: with the pid and the boot it names one process for good. */
  started: string;
  boot_id: string;
  /** How what descends from it is distinguished from the rest of the machine (jobs/containment/process-tags.ts). */
  cookie: string;
  file_size_blocks: number;
  created_at: number;
}

/** How far a job's schedule was dealt with. */
export interface SchedulesTable {
  job_name: string;
  /** The schedule the slot belongs to; when afk.yaml says another, the count starts anew. */
  schedule: string;
  last_slot_at: number;
}

/** What the runs of a job have dealt with before; `seen_at` is when one last asked about it, give or take a month. */
export interface SeenTable {
  job_name: string;
  key: string;
  seen_at: number;
}

/** A name that is never given twice, though what had it is gone. */
export interface TakenNamesTable {
  /** The key that somebody gave a job; the name of a file in `out/`. */
  kind: "job" | "output";
  name: string;
  taken_at: number;
}
