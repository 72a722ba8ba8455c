import type { Config } from "../../config/config.ts";
import type { Db } from "../../store/schema.ts";
import type { Worker } from "../worker.ts";

/** One thing that is wrong. It keeps its key for as long as it lasts, so that it is told of once. */
export interface Finding {
  event: "heartbeat_late" | "no_output";
  title: string;
  message: string;
  key: string;
}

export interface HeartbeatSources {
  config: Pick<Config, "heartbeat" | "jobs" | "tickSeconds">;
  db: Db;
  /** Whether somebody is at work; it was asked at `nowMs`, before anything was read that `db` shows. */
  worker: Worker;
  nowMs: number;
}

/** Why the work is not done as it should be: in a line for people, and as the watchdog tells of it. */
export interface Late {
  how: "suspended" | "gone" | "ended" | "died" | "never" | "hanging" | "overdue";
  problem: string;
  /** Null while it is too soon to wake anybody: a worker that was ended in order may be on its way back. */
  finding: Finding | null;
}
