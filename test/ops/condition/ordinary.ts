import { join } from "node:path";
import { tick } from "../../cli/commands/in-process.ts";
import { addBreaker, addJob, addResult, addTick, call, DAY, HOUR, hold, MINUTE, meta } from "./making.ts";
import type { Judged } from "./template.ts";

/** What an agent is seen in day by day, and nothing is wrong. */
interface Ordinary {
  name: string;
  make(state: Judged): void | Promise<void>;
}

const BY_HAND = { name: "digest", kind: "digest", sources: [{ folder: "./inbox" }] };
const HOURLY = { ...BY_HAND, every: "1h" };

/** Ticks of a timer, the last of them so long ago. */
function timer(state: Judged, intervalMs: number, lastMs: number, last: Record<string, unknown> = {}): void {
  state.run("delete from ticks");
  for (let n = 5; n >= 0; n--) {
    const at = state.nowMs - lastMs - n * intervalMs;
    addTick(state, { started_at: at, finished_at: at + 1_000, ...(n === 0 ? last : {}) });
  }
}

export const ORDINARY: readonly Ordinary[] = [
  {
    name: "ticks by hand alone, days ago, of jobs without a schedule",
    make: (state) => {
      state.configure({ jobs: [BY_HAND] });
      state.run("delete from ticks");
      for (const days of [3, 2]) {
        const at = state.nowMs - days * DAY;
        addTick(state, { started_at: at, finished_at: at, by_hand: 1, next_due_at: null });
      }
    },
  },
  {
    name: "a timer that comes every hour, between two ticks, with a retry that came due since the last",
    make: (state) => {
      timer(state, HOUR, 50 * MINUTE, { next_due_at: state.nowMs - 49 * MINUTE });
      addJob(state, { run_at: state.nowMs - 49 * MINUTE, attempts: 1, error: "HTTP 500" });
    },
  },
  {
    name: "a timer that comes once a day, with a job that is due every hour",
    make: (state) => {
      state.configure({ jobs: [HOURLY] });
      timer(state, DAY, 10 * HOUR, { next_due_at: state.nowMs - 9 * HOUR });
      state.run("update schedules set last_slot_at = ?", state.nowMs - 10 * HOUR);
    },
  },
  {
    name: "a job that is due next week, and a timer that comes every five minutes",
    make: (state) => {
      state.configure({ jobs: [{ ...BY_HAND, every: "7d" }] });
      timer(state, 5 * MINUTE, 4 * MINUTE, { outcome: "idle", units: 0, next_due_at: state.nowMs + 6 * DAY });
      state.run("update schedules set last_slot_at = ?", state.nowMs - DAY);
    },
  },
  {
    name: "the library or the gateway alone, without jobs and ticks",
    make: async (state) => {
      for (const table of ["ticks", "schedules"]) state.run(`delete from ${table}`);
      state.run("update kysely_migration set timestamp = '2020-01-01T00:00:00.000Z'");
      state.configure({ jobs: [] });
      await call(state, [{ micros: 10 }]);
    },
  },
  {
    name: "a tick under way",
    make: (state) => {
      hold(join(state.target.state, "lock.db"));
      addTick(state, { outcome: "running", started_at: state.nowMs - 20 * MINUTE, finished_at: null });
    },
  },
  {
    name: "a loop that was started a moment ago, after a night without one",
    make: (state) => {
      timer(state, 5 * MINUTE, 10 * HOUR);
      meta(state, "run_began_at", state.nowMs - 1_000);
      meta(state, "run_ended_at", 0);
      hold(join(state.target.state, "lock.db"));
      addTick(state, { outcome: "running", started_at: state.nowMs - 900, finished_at: null });
    },
  },
  {
    name: "sources in which nothing is new for days",
    make: async (state) => {
      for (let n = 0; n < 4; n++) await tick(state.target, "digest");
    },
  },
  {
    name: "a result that waits for the end of quiet hours",
    make: (state) => addResult(state, { next_at: state.nowMs + 8 * HOUR }),
  },
  {
    name: "a result of which one try failed",
    make: (state) => addResult(state, { next_at: state.nowMs + MINUTE, attempts: 1, error: "HTTP 500" }),
  },
  {
    name: "a host that is tried again after it was down",
    make: (state) => addBreaker(state, "host:example.org", { until: state.nowMs - MINUTE }),
  },
  {
    name: "a tick that crashed, and one that went well since",
    make: (state) => {
      addTick(state, { outcome: "crashed", started_at: state.nowMs - 2 * MINUTE, units: 0 });
      addTick(state, { started_at: state.nowMs - MINUTE, finished_at: state.nowMs - MINUTE });
    },
  },
];
