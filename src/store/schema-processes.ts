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
  /** How what descends from it is told from the rest of the machine (jobs/containment/marks.ts). */
  cookie: string;
  file_size_blocks: number;
  created_at: number;
}
