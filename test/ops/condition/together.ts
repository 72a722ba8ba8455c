import { rmSync } from "node:fs";
import { join } from "node:path";
import {
  addAlert,
  addBreaker,
  addJob,
  addResult,
  addTick,
  type Condition,
  call,
  HOUR,
  MINUTE,
  meta,
  NEEDS,
} from "./making.ts";

/** What becomes of several at once. */
export const TOGETHER: readonly Condition[] = [
  {
    name: "a refused cap, a queue that waits, a channel and a receiver that fail, and six alerts that were not sent",
    make: async (state) => {
      await call(state, [{ micros: 900_000 }, { micros: 200_000 }]);
      addJob(state, { run_at: state.nowMs - HOUR });
      for (let n = 0; n < 6; n++) addAlert(state, { attempts: 3, error: "HTTP 500" });
      addResult(state, { attempts: 2, error: "HTTP 500" });
    },
    codes: ["alerts_delayed", "cap_refuses", "queue_waits", "results_delayed"],
    ...{ exit: 0, says: NEEDS("1 job is due, and nobody works") },
  },
  {
    name: "a set kill switch, with jobs that are due, a dead letter and results that were given up",
    make: (state) => {
      state.run("update kill_switch set set_at = ?, reason = 'x'", state.nowMs);
      addJob(state, { run_at: state.nowMs - HOUR });
      addResult(state, { state: "dead", attempts: 5, error: "HTTP 404" });
      addBreaker(state, "host:example.org", {});
    },
    codes: ["breaker_open", "killed", "results_undelivered"],
    ...{ exit: 1, says: NEEDS("the kill switch is set, 1 result not delivered") },
  },
  {
    name: "a worker that is gone, with what it left",
    make: (state) => {
      meta(state, "run_began_at", state.nowMs - HOUR);
      addTick(state, { outcome: "failed", reason: "x", started_at: state.nowMs - MINUTE });
      state.run("delete from ticks where outcome <> 'failed'");
      addJob(state, { run_at: state.nowMs - HOUR });
      rmSync(join(state.target.dir, "inbox"), { recursive: true });
    },
    codes: ["queue_waits", "tick_failed", "worker_gone"],
    ...{ exit: 1, says: NEEDS("the worker ended without a word, the last tick failed, 1 job is due") },
  },
];
