import type { Amount, WindowName } from "../../lib/windows.ts";

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
  /** Of a fleet: the one that made it, and in whose folder it belongs. */
  machine: string | null;
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
  /** Of a fleet: where it was approved last. */
  machine: string | null;
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
  /** Of a fleet: the one that it runs on. */
  machine: string | null;
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

/** A text that a run of a job keeps for later ones: where it stopped to read, what a page said. */
export interface JobMemoryTable {
  job_name: string;
  key: string;
  value: string;
  updated_at: number;
}

/** A job that afk.yaml, a person, or whoever may stop the agent has put off. Each of them is a row. */
export interface PausedJobsTable {
  job_name: string;
  /** `afk.yaml`, `keyboard`, or the channel of the phone. */
  by: string;
  reason: string | null;
  paused_at: number;
}

/** What a person is asked: whether a draft is done, or a run may go on past its job's own cap. */
export interface QuestionsTable {
  id: string;
  kind: "draft" | "cap";
  /** The draft's id; the key of the run. */
  subject: string;
  /** The job's name. */
  job: string;
  /** What is asked, for people. */
  message: string;
  /** What a yes does, JSON; what it holds depends on the kind. */
  detail: string;
  state: "open" | "yes" | "no" | "expired";
  /** Of the code that was sent with it last; null before. The code itself is in no table. */
  code_hash: string | null;
  asked_at: number;
  code_made_at: number | null;
  sent_at: number | null;
  expires_at: number;
  answered_at: number | null;
  /** `keyboard`, or the channel of the phone. */
  answered_by: string | null;
}

/** What a person let one run have beyond its job's own cap; no other run, and no cap of the agent, is changed by it. */
export interface CapGrantsTable {
  /** The run's key. */
  job: string;
  /** The window whose cap refused. */
  window: WindowName;
  /** The unit as counters name it (lib/windows.ts). */
  amount: Amount;
  /** The period that the cap refused in, as counters name it; the grant counts no longer than that does. */
  period: string;
  /** The cap that was asked about; a lower one than this ends the grant. */
  cap: number;
  extra: number;
  question_id: string;
  granted_at: number;
}

/** A code that no question has came from the phone then. */
export interface WrongCodesTable {
  id: string;
  at: number;
}

/** How far the messages of a channel were read, and how well that goes; a null where nothing is known yet. */
export interface RemoteCursorsTable {
  channel: string;
  cursor: string | null;
  moved_at: number | null;
  /** Since when its service answers without a break. */
  connected_at: number | null;
  /** When it last answered, to a minute. */
  heard_at: number | null;
  /** Since when it does not answer as it should; null while it does. */
  failing_since: number | null;
  error: string | null;
}

/** A message from the phone that was dealt with: it is not obeyed twice. */
export interface RemoteMessagesTable {
  channel: string;
  message_id: string;
  at: number;
}

/** A name that is never given twice, though what had it is gone. */
export interface TakenNamesTable {
  /** The key that somebody gave a job; the name of a file in `out/`. */
  kind: "job" | "output";
  name: string;
  taken_at: number;
}
