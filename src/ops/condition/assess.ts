import type { Selectable } from "kysely";
import { chainsOf } from "../../config/job-models.ts";
import { toIso } from "../../lib/clock.ts";
import { formatDuration, formatRelative } from "../../lib/duration-text.ts";
import { MINUTE_MS } from "../../lib/durations.ts";
import { formatUsd, MICROS_PER_USD } from "../../lib/money.ts";
import { plural } from "../../lib/text.ts";
import { ownerWords } from "../../lib/windows.ts";
import type { Kill } from "../../rails/halt.ts";
import type { TicksTable } from "../../store/schema/evidence.ts";
import { gatewayUrl } from "../gateway-answers.ts";
import { unpauseWith } from "../paused.ts";
import type { Late, WatchNotice } from "../watchdog/heartbeat.ts";
import type { Observation } from "../worker.ts";
import type { Facts } from "./facts.ts";
import { type Finding, type FindingCode, finding } from "./finding.ts";
import { machineFindings } from "./fleet.ts";

/** With less room than this on the disk of the state a person should make some: soon no work is begun. */
export const FREE_MIN_BYTES = 200 * 1024 * 1024;

/** Everything that is assessed, of one moment. */
export interface Evidence extends Facts {
  observed: Observation;
  kill: Kill | null;
  late: Late | null;
  /** The last ticks gave nothing. */
  empty: WatchNotice | null;
  lastTick: Selectable<TicksTable> | undefined;
}

/** Everything that is not as it should be. To add a kind of finding: name it in finding.ts, and look for it here. */
export function assess(evidence: Evidence): Finding[] {
  return [
    ...worker(evidence),
    ...machine(evidence),
    ...machineFindings(evidence.observed),
    ...calls(evidence),
    ...queue(evidence),
    ...gateway(evidence),
    ...phone(evidence),
    ...evidence.found,
  ];
}

const LATE: Record<Late["how"], readonly [code: FindingCode, text: string]> = {
  suspended: ["worker_suspended", "the worker is suspended"],
  gone: ["worker_gone", "the worker ended without a word"],
  ended: ["worker_ended", "no worker is running"],
  died: ["tick_died", "a tick died"],
  hanging: ["tick_hanging", "a tick hangs"],
  overdue: ["tick_overdue", "no tick for too long"],
  never: ["never_ran", "no tick for too long"],
};

function worker({ observed: { nowMs }, kill, late, empty, lastTick }: Evidence): Finding[] {
  const found: Finding[] = [];
  if (kill !== null) {
    const { by, at, reason, remedy = "afk resume" } = kill;
    // What cannot be read does not say when it was set.
    const since = at === 0 ? "" : `, ${formatRelative(at, nowMs)}`;
    found.push(finding("killed", "the kill switch is set", remedy, `${reason} (${by}${since})`));
  }
  if (late !== null) {
    const [code, text] = LATE[late.how];
    // It may be on its way back: too soon to wake anybody.
    const isTooSoon = late.how === "ended" && late.finding === null;
    found.push(finding(isTooSoon ? "worker_ending" : code, text, "afk health", late.problem));
  }
  if (lastTick?.outcome === "failed") {
    const reason = lastTick.reason ?? "for no stated reason";
    found.push(finding("tick_failed", "the last tick failed", "afk logs --tick last", reason));
  }
  if (empty !== null) found.push(finding("no_output", lowerFirst(empty.title), "afk dead", empty.message));
  return found;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

/** As far as the caps may be apart from the wall clock before a person is asked. */
const CLOCK_TOLERANCE_MS = 5 * MINUTE_MS;

function machine(evidence: Evidence): Finding[] {
  const { observed, spend, outputs, isConfigRefused, isDrifted, pingFailingSince, config } = evidence;
  const { nowMs, freeBytes } = observed;
  const found: Finding[] = [];
  if (isConfigRefused) {
    const detail = `${config.paths.configFile} was changed and is refused; the last good one goes on`;
    found.push(finding("config_refused", "the configuration is refused", "afk doctor", detail));
  }
  if (freeBytes < FREE_MIN_BYTES) {
    const detail = `${Math.floor(freeBytes / 1024 / 1024)} MiB free for ${config.paths.state}`;
    found.push(finding("disk_low", "the disk is nearly full", "afk doctor", detail));
  }
  const aheadMs = spend.budgetMs - nowMs;
  if (Math.abs(aheadMs) > CLOCK_TOLERANCE_MS) {
    const apart = `${formatDuration(Math.abs(aheadMs))} ${aheadMs > 0 ? "ahead of" : "behind"} the wall clock (${toIso(nowMs)}); caps go on from there`;
    const mend = `afk resume${aheadMs > 0 ? " --clock" : ""}`;
    found.push(finding("clock_apart", "the budget's time is not the wall clock's", mend, apart));
  }
  if (outputs.stuck > 0)
    found.push(finding("outputs_unwritten", `${plural(outputs.stuck, "output")} not written`, "afk doctor"));
  if (pingFailingSince > 0) {
    const since = `no ping was taken since ${formatRelative(pingFailingSince, nowMs)}`;
    found.push(finding("ping_failing", "the ping is not taken", "afk logs --event ping_failed", since));
  }
  if (isDrifted) found.push(finding("drift", "the configuration in use was never released", "afk doctor"));
  return found;
}

function calls(evidence: Evidence): Finding[] {
  const { observed, config, breakers, refusals, unknown, failingSources } = evidence;
  const { nowMs } = observed;
  const found: Finding[] = [];
  for (const { name, state } of breakers) {
    const owner = ownerWords(name);
    if (state.state === "blocked")
      found.push(finding("breaker_blocked", `${owner ?? name} is refused`, "afk resume", state.reason));
    if (state.state === "open" && state.until > nowMs) {
      const text = owner === null ? `${name} is not called` : `${owner} is refused`;
      found.push(finding("breaker_open", text, "afk status", state.reason));
    }
  }
  const refused = new Set(refusals.map(({ model }) => model));
  const stuck = chainsOf(config).filter((chain) => chain.every((reference) => refused.has(reference)));
  for (const { model, reason } of refusals)
    found.push(
      finding(
        stuck.some((chain) => chain.includes(model)) ? "models_refuse" : "model_refuses",
        `${model} refuses every call`,
        "afk status",
        reason,
      ),
    );
  if (unknown.calls > 0) {
    const charged = `charged at ${formatUsd(Math.round(unknown.usd * MICROS_PER_USD))}`;
    const text = `${plural(unknown.calls, "call")} of unknown cost`;
    found.push(finding("calls_unknown", text, "afk ledger list --unknown", charged));
  }
  if (failingSources > 0) {
    const text = plural(failingSources, "source fails", "sources fail");
    found.push(finding("sources_failing", text, "afk logs --event source_failed"));
  }
  return found;
}

function queue(evidence: Evidence): Finding[] {
  const {
    observed,
    kill,
    late,
    drafts,
    capAnswers,
    waiting,
    paused,
    overdueJobs,
    missed,
    queue: jobs,
  } = evidence;
  const found: Finding[] = [];
  const add = (amount: number, code: FindingCode, text: string, command: string, detail?: string) => {
    if (amount > 0) found.push(finding(code, text, command, detail));
  };
  add(jobs.dead, "dead_letters", plural(jobs.dead, "dead job"), "afk dead");
  for (const { job, message } of capAnswers.questions)
    found.push(finding("question_open", `${job} asks whether it may go on`, "afk questions", message));
  add(drafts.pending, "drafts_pending", `${plural(drafts.pending, "draft")} to approve`, "afk drafts");
  add(
    drafts.unknown,
    "drafts_unknown",
    `${plural(drafts.unknown, "draft")} of unknown outcome`,
    "afk drafts",
  );
  for (const each of paused) {
    const since =
      each.since === null ? "" : ` since ${formatRelative(Date.parse(each.since), observed.nowMs)}`;
    const why = each.reason === null ? "" : `: ${each.reason}`;
    const detail = `by ${each.by}${since}${why}`;
    found.push(finding("job_paused", `${each.job} is paused`, unpauseWith(each), detail));
  }
  if (waiting !== null) {
    const { jobs: count, reason } = waiting;
    const text = `${plural(count, "job waits", "jobs wait")} for what is down`;
    add(count, "jobs_waiting", text, "afk jobs", reason);
  }
  // What a stopped agent does not do it does not do on purpose.
  if (kill !== null) return found;
  const due = `${plural(overdueJobs, "job is", "jobs are")} due`;
  if (observed.worker.state !== "working")
    add(overdueJobs, "queue_waits", `${due}, and nobody works`, "afk tick");
  else add(overdueJobs, "job_overdue", `${due} and not begun`, "afk jobs", "others are still at work");
  // Where ticks are late as a whole, that is said.
  for (const { job, dueAt } of late === null ? missed : []) {
    const since = `due for ${formatDuration(observed.nowMs - (dueAt ?? observed.nowMs))}`;
    found.push(finding("job_overdue", `${job} was not begun`, "afk jobs", since));
  }
  return found;
}

function gateway({ observed, config, refusedClients }: Evidence): Finding[] {
  const { gateway: holder, gatewayProblem } = observed;
  const { listen } = config.gateway;
  const found: Finding[] = [];
  if (holder.state === "suspended")
    found.push(finding("gateway_suspended", "the gateway is suspended", `kill -CONT ${holder.pid}`));
  if (listen !== null && holder.state === "none")
    found.push(finding("gateway_down", `nobody serves ${gatewayUrl(listen)}`, "afk gateway"));
  if (gatewayProblem !== null)
    found.push(finding("gateway_silent", "the gateway does not answer", "afk doctor", gatewayProblem));
  for (const { name, refused } of refusedClients) {
    const text = `${plural(refused, "request")} of client ${name} refused today`;
    found.push(finding("client_refused", text, "afk logs --event client_refused"));
  }
  return found;
}

/** As long as a service may be away before somebody is told: routers and services come back by themselves. */
const SILENT_MS = 15 * MINUTE_MS;

function phone({ observed: { nowMs }, remotes }: Evidence): Finding[] {
  return remotes.flatMap(({ channel, failingSince, error }) => {
    if (failingSince === null || nowMs - Date.parse(failingSince) < SILENT_MS) return [];
    const detail = `${error ?? "no answer"} (${formatRelative(Date.parse(failingSince), nowMs)})`;
    return [finding("remote_silent", `the phone cannot be read by ${channel}`, "afk doctor", detail)];
  });
}
