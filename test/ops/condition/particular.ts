import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished, vi } from "vitest";
import type { ChannelConfig } from "../../../src/alerts/channels/channel.ts";
import { channelId } from "../../../src/alerts/channels/registry.ts";
import {
  addAlert,
  addJob,
  addResult,
  type Condition,
  call,
  DAY,
  HOUR,
  hold,
  holdSuspended,
  LIMITS,
  MINUTE,
  meta,
  NEEDS,
} from "./making.ts";

/** Those that need a process, a lock, another configuration, or a past of their own. */
export const PARTICULAR: readonly Condition[] = [
  {
    name: "a worker that ended without a word",
    make: (state) => {
      meta(state, "run_began_at", state.nowMs - HOUR);
      meta(state, "run_ended_at", 0);
    },
    ...{ codes: ["worker_gone"], exit: 1, says: NEEDS("the worker ended without a word") },
  },
  {
    name: "a tick that says it runs, 26 minutes after its worker died",
    make: (state) => {
      meta(state, "run_began_at", state.nowMs - HOUR);
      const started = state.nowMs - 26 * MINUTE;
      state.run("update ticks set outcome = 'running', finished_at = null, started_at = ?", started);
    },
    ...{ codes: ["worker_gone"], exit: 1, says: NEEDS("the worker ended without a word") },
  },
  {
    name: "a worker that was told to end a minute ago",
    make: (state) => {
      meta(state, "run_began_at", state.nowMs - HOUR);
      meta(state, "run_ended_at", state.nowMs - MINUTE);
    },
    ...{ codes: ["worker_ending"], exit: 0, says: NEEDS("no worker is running") },
  },
  {
    name: "a worker that was told to end an hour ago",
    make: (state) => {
      meta(state, "run_began_at", state.nowMs - 2 * HOUR);
      meta(state, "run_ended_at", state.nowMs - HOUR);
    },
    ...{ codes: ["worker_ended"], exit: 1, says: NEEDS("no worker is running") },
  },
  {
    name: "a worker that is suspended",
    make: ({ target }) => holdSuspended(join(target.state, "lock.db")),
    ...{ codes: ["worker_suspended"], exit: 1, says: NEEDS("the worker is suspended") },
  },
  {
    name: "a tick whose process died",
    make: ({ run, nowMs }) =>
      run("update ticks set outcome = 'running', finished_at = null, started_at = ?", nowMs - MINUTE),
    ...{ codes: ["tick_died"], exit: 1, says: NEEDS("a tick died") },
  },
  {
    name: "a tick that does not end",
    make: ({ run, nowMs, target }) => {
      hold(join(target.state, "lock.db"));
      run("update ticks set outcome = 'running', finished_at = null, started_at = ?", nowMs - 10 * HOUR);
    },
    ...{ codes: ["tick_hanging"], exit: 1, says: NEEDS("a tick hangs") },
  },
  {
    name: "a tick that is late",
    make: ({ run, nowMs }) =>
      run(
        "update ticks set started_at = ?, finished_at = ?, next_due_at = ?",
        ...[3, 3, 1].map((h) => nowMs - h * HOUR),
      ),
    ...{ codes: ["tick_overdue"], exit: 1, says: NEEDS("no tick for too long") },
  },
  {
    name: "an agent that has never ticked",
    make: ({ run }) => {
      run("delete from ticks");
      run("update kysely_migration set timestamp = '2020-01-01T00:00:00.000Z'");
    },
    ...{ codes: ["never_ran"], exit: 1, says: NEEDS("no tick for too long") },
  },
  {
    name: "a database that is older than its mark",
    make: ({ target }) => writeFileSync(join(target.state, "high-water.json"), '{"generation":1000000}'),
    ...{ codes: ["killed"], exit: 0, says: NEEDS("the kill switch is set") },
  },
  {
    name: "a gateway that nobody serves",
    make: ({ configure }) => configure({ gateway: { listen: "127.0.0.1:9", clients: [{ name: "laptop" }] } }),
    ...{ codes: ["gateway_down"], exit: 0, says: NEEDS("nobody serves http://127.0.0.1:9") },
  },
  {
    name: "a phone that cannot be read",
    make: ({ configure, run, nowMs }) => {
      const url = "http://127.0.0.1:9/bot1:secret/sendMessage";
      configure({
        alerts: [
          { name: "phone", type: "telegram", url, chat_id: 5 },
          { name: "hook", type: "webhook", url: "http://127.0.0.1:9/hook" },
        ],
        remote: { telegram: { channel: "phone" } },
      });
      run(
        "insert into remote_cursors (channel, failing_since, error) values (?, ?, ?)",
        channelId({ type: "telegram", url, settings: { chatId: "5" } } as ChannelConfig),
        nowMs - 20 * MINUTE,
        "another program polls this bot",
      );
    },
    ...{ codes: ["remote_silent"], exit: 0, says: NEEDS("the phone cannot be read by phone") },
  },
  {
    name: "an agent whose network this machine does not close",
    make({ configure, target }) {
      const program = { command: [process.execPath, "x.mjs"], gateway: true, network: "gateway" };
      const digest = { name: "digest", kind: "digest", every: "1d", sources: [{ folder: "./inbox" }] };
      configure({ jobs: [digest, { name: "fix", kind: "exec", ...program }] });
      // afk finds none of the tools there that it takes.
      vi.stubEnv("PATH", join(target.dir, "inbox"));
      onTestFinished(() => void vi.unstubAllEnvs());
    },
    ...{ codes: ["network_by_agreement"], exit: 0, says: NEEDS("the network of fix is by agreement only") },
  },
  {
    name: "a gateway that does not answer",
    make: ({ configure, target }) => {
      configure({ gateway: { listen: "127.0.0.1:9", clients: [{ name: "laptop" }] } });
      hold(join(target.state, "gateway-lock.db"));
    },
    ...{ codes: ["gateway_silent"], exit: 0, says: LIMITS("the gateway does not answer") },
  },
  {
    name: "a gateway that is suspended",
    make: ({ target }) => holdSuspended(join(target.state, "gateway-lock.db")),
    ...{ codes: ["gateway_suspended"], exit: 1, says: NEEDS("the gateway is suspended") },
  },
  {
    name: "a job that is due, while another has run for an hour",
    make: ({ run, nowMs, target }) => {
      hold(join(target.state, "lock.db"));
      run("update ticks set outcome = 'running', finished_at = null, started_at = ?", nowMs - HOUR);
      run("update schedules set last_slot_at = ?", nowMs - DAY - 40 * MINUTE);
    },
    ...{ codes: ["job_overdue"], exit: 0, says: LIMITS("digest was not begun") },
  },
  {
    name: "a job in the queue that is due for hours, behind one that runs for long",
    make: (state) => {
      const long = { kind: "digest", every: "1d", timeout: "6h", sources: [{ folder: "./inbox" }] };
      state.configure({ jobs: [{ name: "digest", ...long }] });
      hold(join(state.target.state, "lock.db"));
      const startedAt = state.nowMs - 3 * HOUR;
      state.run("update ticks set outcome = 'running', finished_at = null, started_at = ?", startedAt);
      addJob(state, { run_at: startedAt });
    },
    ...{ codes: ["job_overdue"], exit: 0, says: LIMITS("1 job is due and not begun") },
  },
  {
    name: "alerts that nobody has tried to send",
    make: (state) => addAlert(state, { next_at: state.nowMs - HOUR }),
    ...{ codes: ["alerts_delayed"], exit: 0, says: LIMITS("1 alert waits to be sent") },
  },
  {
    name: "an alert that nobody has handed to its channel since its process ended",
    make: (state) => addAlert(state, null),
    ...{ codes: ["alerts_delayed"], exit: 0, says: LIMITS("1 alert waits to be sent") },
  },
  {
    name: "an alert that failed once, by a channel that asks for hours of patience",
    make: (state) => {
      const failed = { attempts: 1, error: "HTTP 429", updated_at: state.nowMs - HOUR };
      addAlert(state, { ...failed, next_at: state.nowMs + 7 * HOUR });
    },
    ...{ codes: ["alerts_delayed"], exit: 0, says: LIMITS("1 alert waits to be sent") },
  },
  {
    name: "an alert that was lost, on a channel that takes them",
    make: (state) => {
      addAlert(state, { state: "failed", attempts: 5, error: "HTTP 413", updated_at: state.nowMs - HOUR });
      addAlert(state, { state: "sent", attempts: 1 });
    },
    ...{ codes: ["alerts_lost"], exit: 0, says: NEEDS("1 alert lost") },
  },
  {
    name: "a result that was lost, by a receiver that takes them",
    make: (state) => {
      addResult(state, { state: "dead", attempts: 5, error: "HTTP 413", updated_at: state.nowMs - HOUR });
      addResult(state, { state: "delivered", attempts: 1 });
    },
    ...{ codes: ["results_lost"], exit: 0, says: NEEDS("1 result lost") },
  },
  {
    name: "results that were given up, and another job's receiver of that name, which takes them",
    make: (state) => {
      const { insert, nowMs } = state;
      const exec = { kind: "exec", command: ["true"], deliver: [{ to: "hook" }] };
      state.configure({ jobs: ["digest", "other"].map((name) => ({ name, ...exec })) });
      addResult(state, { state: "dead", attempts: 7, error: "HTTP 404", updated_at: nowMs - 2 * DAY });
      const jobId = addJob(state, { name: "other", state: "done" });
      const result = { name: "other", label: "x", slot_at: nowMs, outcome: "done", is_news: 1, report: "{}" };
      insert("results", { job_id: jobId, ...result, created_at: nowMs });
      addResult({ ...state, jobId }, { state: "delivered", attempts: 1 });
    },
    ...{ codes: ["results_undelivered"], exit: 1, says: NEEDS("1 result not delivered") },
  },
  {
    name: "a cap in tokens that refuses",
    make: async (state) => {
      state.configure({ budget: { daily_cap_usd: 1, daily_cap_tokens: 100 } });
      await call(state, [
        { micros: 0, tokens: 90 },
        { micros: 0, tokens: 50 },
      ]);
    },
    ...{ codes: ["cap_refuses"], exit: 0, says: LIMITS("the day cap in tokens refuses calls") },
  },
  {
    name: "the cap of an hour that refuses",
    make: async (state) => {
      state.configure({ budget: { daily_cap_usd: 1, hourly_cap_usd: 0.2 } });
      await call(state, [{ micros: 150_000 }, { micros: 100_000 }]);
    },
    ...{ codes: ["cap_refuses"], exit: 0, says: LIMITS("the hour cap refuses calls") },
  },
  {
    name: "the cap of a client that refuses",
    make: async (state) => {
      state.configure({ gateway: { clients: [{ name: "laptop", caps: { daily_usd: 0.1 } }] } });
      await call(state, [{ micros: 200_000, scope: { client: "laptop" } }]);
    },
    ...{ codes: ["cap_refuses"], exit: 0, says: LIMITS("the day cap of client laptop refuses calls") },
  },
  {
    name: "a cap of 0",
    make: ({ configure }) => configure({ budget: { daily_cap_usd: 0 } }),
    ...{ codes: ["cap_refuses"], exit: 0, says: LIMITS("the day cap is reached") },
  },
  {
    name: "a job that waits since the cap of its run refused a call",
    make: async (state) => {
      state.configure({ budget: { daily_cap_usd: 1, job_cap_usd: 0.1 } });
      const id = addJob(state, { error: "the job cap has no room" });
      await call(state, [{ micros: 200_000, scope: { job: `key-${id}` } }]);
    },
    ...{ codes: ["cap_refuses"], exit: 0, says: LIMITS("the job cap refused a call") },
  },
  {
    name: "a last tick whose cap refused a call",
    make: async (state) => {
      state.configure({ budget: { daily_cap_usd: 1, tick_cap_usd: 0.1 } });
      const [tick] = state.target.query<{ id: string }>("select id from ticks");
      await call(state, [{ micros: 200_000, scope: { tick: tick!.id } }]);
    },
    ...{ codes: ["cap_refuses"], exit: 0, says: LIMITS("the tick cap refused a call") },
  },
];
