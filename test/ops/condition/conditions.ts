import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { hashOfFile } from "../../../src/config/live.ts";
import { systemClock } from "../../../src/lib/clock.ts";
import {
  addAlert,
  addBreaker,
  addDraft,
  addJob,
  addResult,
  addTick,
  type Condition,
  call,
  DAY,
  HOUR,
  LIMITS,
  MINUTE,
  meta,
  NEEDS,
  PAYLOAD,
  uniqueId,
} from "./making.ts";

/** Made of rows and files alone, so that they can be put together as one likes. */
export const PLAIN: readonly Condition[] = [
  {
    name: "afk stop",
    make: ({ run, nowMs }) => run("update kill_switch set set_at = ?, reason = 'an odd bill'", nowMs),
    ...{ codes: ["killed"], exit: 0, says: NEEDS("the kill switch is set") },
  },
  {
    name: "a STOP file",
    make: ({ target }) => writeFileSync(join(target.state, "STOP"), "by hand"),
    ...{ codes: ["killed"], exit: 0, says: NEEDS("the kill switch is set") },
  },
  {
    name: "a kill switch whose row is gone",
    make: ({ run }) => run("delete from kill_switch"),
    ...{ codes: ["killed"], exit: 0, says: NEEDS("the kill switch is set") },
  },
  {
    name: "a last tick that failed",
    make: (state) => addTick(state, { outcome: "failed", reason: "no model answered" }),
    ...{ codes: ["tick_failed"], exit: 1, says: NEEDS("the last tick failed") },
  },
  {
    name: "three ticks with work and without output",
    make: (state) => {
      for (const minutes of [3, 2, 1])
        addTick(state, { started_at: state.nowMs + minutes, finished_at: state.nowMs + minutes, units: 0 });
    },
    ...{ codes: ["no_output"], exit: 1, says: NEEDS("3 ticks in a row gave no output") },
  },
  {
    name: "an afk.yaml that the worker refuses",
    make: ({ target, insert, nowMs }) => {
      const occurrence = `${hashOfFile(target.configFile).slice(0, 16)}:2026-11-21`;
      const alert = {
        event: "config_refused",
        severity: "error",
        payload: PAYLOAD,
        created_at: nowMs,
        is_routed: 1,
      };
      insert("alerts", {
        id: uniqueId(),
        key: `config_refused:${occurrence}`,
        subject: "",
        occurrence,
        ...alert,
      });
    },
    ...{ codes: ["config_refused"], exit: 1, says: NEEDS("the configuration is refused") },
  },
  {
    name: "a budget whose time is ahead of the wall clock",
    make: ({ run, nowMs }) => run("update budget_clock set latest_at = ?", nowMs + DAY),
    ...{ codes: ["clock_apart"], exit: 1, says: NEEDS("the budget's time is not the wall clock's") },
  },
  {
    name: "a wall clock that was set forward",
    make: ({ run, nowMs }) =>
      run(
        "update budget_clock set latest_at = ?, anchor_at = ?, uptime_ms = ?, boot_id = ?",
        ...[nowMs - HOUR, nowMs - HOUR, systemClock.uptimeMs(), systemClock.bootId()],
      ),
    ...{ codes: ["clock_apart"], exit: 1, says: NEEDS("the budget's time is not the wall clock's") },
  },
  {
    name: "a model that billed more than its bound",
    make: (state) => addBreaker(state, "model:openai/dear", { state: "blocked", until: null }),
    ...{ codes: ["breaker_blocked"], exit: 1, says: NEEDS("model:openai/dear is refused") },
  },
  {
    name: "a host that is down",
    make: (state) => addBreaker(state, "host:example.org", {}),
    ...{ codes: ["breaker_open"], exit: 0, says: LIMITS("host:example.org is not called") },
  },
  {
    name: "a client that ran away",
    make: (state) => addBreaker(state, "client:laptop", {}),
    ...{ codes: ["breaker_open"], exit: 0, says: LIMITS("client laptop is refused") },
  },
  {
    name: "a model that refuses every call, and another that does its work",
    make({ configure, insert, nowMs }) {
      configure({ models: { chain: ["ollama/x", "extractive"] } });
      insert("model_refusals", { model: "ollama/x", since_at: nowMs, last_at: nowMs, reason: "no credit" });
    },
    ...{ codes: ["model_refuses"], exit: 0, says: NEEDS("ollama/x refuses every call") },
  },
  {
    name: "the only model, which refuses every call",
    make: ({ insert, nowMs }) =>
      insert("model_refusals", { model: "extractive", since_at: nowMs, last_at: nowMs, reason: "no credit" }),
    ...{ codes: ["models_refuse"], exit: 1, says: NEEDS("extractive refuses every call") },
  },
  {
    name: "a file that is not in out/",
    make: ({ insert, jobId, nowMs }) =>
      insert("outputs", {
        ...{ name: uniqueId(), job_id: jobId, content: "x", state: "pending" },
        ...{ created_at: nowMs - 2 * MINUTE, published_at: null },
      }),
    ...{ codes: ["outputs_unwritten"], exit: 1, says: NEEDS("1 output not written") },
  },
  {
    name: "alerts that were given up, and none taken since",
    make: (state) => addAlert(state, { state: "failed", attempts: 5, error: "HTTP 404" }),
    ...{ codes: ["alerts_undelivered"], exit: 1, says: NEEDS("1 alert not delivered") },
  },
  {
    name: "alerts that failed twice",
    make: (state) => addAlert(state, { attempts: 2, error: "HTTP 500" }),
    ...{ codes: ["alerts_delayed"], exit: 0, says: LIMITS("1 alert waits to be sent") },
  },
  {
    name: "results that were given up",
    make: (state) => addResult(state, { state: "dead", attempts: 5, error: "HTTP 404" }),
    ...{ codes: ["results_undelivered"], exit: 1, says: NEEDS("1 result not delivered") },
  },
  {
    name: "results that failed twice",
    make: (state) => addResult(state, { attempts: 2, error: "HTTP 500" }),
    ...{ codes: ["results_delayed"], exit: 0, says: LIMITS("1 result waits to be sent") },
  },
  {
    name: "jobs that are due, and nobody works",
    make: (state) => void addJob(state, { run_at: state.nowMs - HOUR }),
    ...{ codes: ["queue_waits"], exit: 0, says: NEEDS("1 job is due, and nobody works") },
  },
  {
    name: "a dead letter",
    make: (state) => {
      const id = addJob(state, { state: "dead", attempts: 5 });
      const letter = { kind: "digest", payload: "null", error: "it broke", cause: "it broke", attempts: 5 };
      state.insert("dead_letters", {
        job_id: id,
        key: id,
        name: "digest",
        ...letter,
        trace: "{}",
        died_at: state.nowMs,
      });
    },
    ...{ codes: ["dead_letters"], exit: 0, says: NEEDS("1 dead job") },
  },
  {
    name: "a run that asks about a cap of its job",
    make: (state) => {
      const subject = `key-${addJob(state, {})}`;
      const asked = { id: uniqueId(), kind: "cap", subject, job: "digest", message: "May this run go on?" };
      const unsent = { code_hash: null, code_made_at: null, sent_at: null };
      const open = { state: "open", answered_at: null, answered_by: null };
      const times = { asked_at: state.nowMs, expires_at: state.nowMs + DAY };
      state.insert("questions", { ...asked, ...unsent, ...open, ...times, detail: "{}" });
    },
    ...{ codes: ["question_open"], exit: 0, says: NEEDS("digest asks whether it may go on") },
  },
  {
    name: "a draft",
    make: (state) => addDraft(state, "pending"),
    ...{ codes: ["drafts_pending"], exit: 0, says: NEEDS("1 draft to approve") },
  },
  {
    name: "a draft of unknown outcome",
    make: (state) => addDraft(state, "unknown"),
    ...{ codes: ["drafts_unknown"], exit: 0, says: NEEDS("1 draft of unknown outcome") },
  },
  {
    name: "a job that was paused",
    make: ({ insert, nowMs }) =>
      insert("paused_jobs", { job_name: "digest", by: "keyboard", reason: null, paused_at: nowMs - HOUR }),
    ...{ codes: ["job_paused"], exit: 0, says: LIMITS("digest is paused") },
  },
  {
    name: "jobs that wait for what is down",
    make: (state) => void addJob(state, { waiting_since: state.nowMs - HOUR, error: "connect ECONNREFUSED" }),
    ...{ codes: ["jobs_waiting"], exit: 0, says: LIMITS("1 job waits for what is down") },
  },
  {
    name: "a source that fails",
    make: ({ run, jobId }) =>
      run(
        "update steps set result = ? where job_id = ? and name like 'fetch:%'",
        ...[JSON.stringify({ label: "Inbox", items: [], notes: [], error: "it is gone" }), jobId],
      ),
    ...{ codes: ["sources_failing"], exit: 0, says: LIMITS("1 source fails") },
  },
  {
    name: "pings that are not taken",
    make: (state) => meta(state, "ping_failed_at", state.nowMs - HOUR),
    ...{ codes: ["ping_failing"], exit: 0, says: LIMITS("the ping is not taken") },
  },
  {
    name: "a configuration that was never released",
    make: ({ insert, nowMs }) =>
      insert("releases", {
        ...{ id: uniqueId(), config_hash: "0".repeat(64), version: "1", config_text: "", reason: "" },
        ...{ difference: "", facts: "{}", units: "{}", made_at: nowMs },
      }),
    ...{ codes: ["drift"], exit: 0, says: LIMITS("the configuration in use was never released") },
  },
  {
    name: "a client that was refused today",
    make: ({ insert, nowMs }) => {
      const day = new Date(nowMs).toISOString().slice(0, 10);
      insert("gateway_days", { day, owner: "client:laptop", refused: 2, replayed: 0, joined: 0 });
    },
    ...{ codes: ["client_refused"], exit: 0, says: LIMITS("2 requests of client laptop refused today") },
  },
  {
    name: "a day whose cap is reached",
    make: (state) => call(state, [{ micros: 1_000_000 }]),
    ...{ codes: ["cap_refuses"], exit: 0, says: LIMITS("the day cap is reached") },
  },
  {
    name: "a cap with less room than the call that it refused",
    make: (state) => call(state, [{ micros: 900_000 }, { micros: 200_000 }]),
    ...{ codes: ["cap_refuses"], exit: 0, says: LIMITS("the day cap refuses calls") },
  },
  {
    name: "a cap that refused a small call while a large one ran, and another large one since",
    make: (state) =>
      call(state, [{ micros: 950_000, costMicros: 100_000, meanwhileMicros: 100_000 }, { micros: 950_000 }]),
    ...{ codes: ["cap_refuses"], exit: 0, says: LIMITS("the day cap refuses calls") },
  },
  {
    name: "a call of unknown cost",
    make: (state) => call(state, [{ micros: 1_000, isLost: true }]),
    ...{ codes: ["calls_unknown"], exit: 0, says: NEEDS("1 call of unknown cost") },
  },
];
