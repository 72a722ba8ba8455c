/**
 * How bad a finding is. `bad`: work that is due is not done, or word of it does not get out, until a restart or a person mends
 * that. `warn`: the work goes on, with limits or without a part of it.
 */
export type Severity = "bad" | "warn";

/** What a finding of a kind is. */
interface Kind {
  severity: Severity;
  /** It goes on until a person does something; otherwise time mends it, or a person wants it so. */
  isUrgent: boolean;
  /** What it means, for metrics and docs. */
  help: string;
}

const bad = (help: string): Kind => ({ severity: "bad", isUrgent: true, help });
const needsPerson = (help: string): Kind => ({ severity: "warn", isUrgent: true, help });
const passing = (help: string): Kind => ({ severity: "warn", isUrgent: false, help });

/** Every finding that there is, in the order in which people are told of them. */
export const FINDINGS = {
  killed: bad("the kill switch is set"),
  worker_suspended: bad("the worker is suspended and does nothing"),
  worker_gone: bad("the worker ended without a word"),
  worker_ended: bad("the worker was told to end, and none came after it"),
  worker_ending: needsPerson("the same, for less than `heartbeat.grace`"),
  tick_died: bad("a tick died, and none came after it"),
  tick_hanging: bad("a tick does not end"),
  tick_overdue: bad("the next tick is late"),
  never_ran: bad("no tick has ever run"),
  tick_failed: bad("the last tick failed"),
  no_output: bad("the last ticks that had work gave none"),
  config_refused: bad("afk.yaml was changed and is refused"),
  disk_low: bad("less than 200 MiB is free where the state is"),
  clock_apart: bad("the budget's time is not the wall clock's"),
  breaker_blocked: bad("something is refused until `afk resume`"),
  models_refuse: bad("every model of the chain refuses every call"),
  outputs_unwritten: bad("a file was made and is not in `out/`"),
  gateway_suspended: bad("the gateway's process is suspended"),
  alerts_undelivered: bad("a channel gave up alerts and has taken none since"),
  results_undelivered: bad("a receiver gave up results and has taken none since"),
  failover_seen: needsPerson("the database failed over, and no person has looked since"),
  database_clock: needsPerson("the database's clock jumped, and the agent's time goes on as if it had not"),
  machine_lost: needsPerson(
    "a machine of the fleet gave no sign any more in the last 24 hours, and has not come back",
  ),
  machine_clock: needsPerson("the clock of a machine is more than a minute off the database's"),
  model_refuses: needsPerson("a model refuses every call, and another does its work"),
  gateway_down: needsPerson("nobody serves the gateway that afk.yaml names"),
  remote_silent: needsPerson("the phone cannot be read for 15 minutes: nobody can stop the agent from it"),
  network_by_agreement: needsPerson("a job asks for a network of its own, which this machine does not give"),
  queue_waits: needsPerson("jobs are due for longer than `heartbeat.grace`, and nobody works"),
  dead_letters: needsPerson("jobs failed for good and wait for a person"),
  question_open: needsPerson("a run waits for an answer about a cap of its job"),
  drafts_pending: needsPerson("drafts wait for approval"),
  drafts_unknown: needsPerson("drafts may have been done"),
  calls_unknown: needsPerson("calls are charged at their worst case"),
  alerts_lost: needsPerson("alerts of the last 24 hours were given up"),
  results_lost: needsPerson("results of the last 24 hours were given up"),
  cap_refuses: passing("a cap refuses calls now"),
  client_refused: passing("requests of a client were refused today"),
  breaker_open: passing("something failed and is not called for a while"),
  job_paused: passing("a job is paused"),
  jobs_waiting: passing("jobs wait for what is down"),
  job_overdue: passing("a job is due for longer than `heartbeat.grace` and was not begun"),
  alerts_delayed: passing("alerts wait for a channel that fails, or that nobody tries"),
  results_delayed: passing("results wait for a receiver that fails, or that nobody tries"),
  ping_failing: passing("the service outside takes no ping"),
  gateway_silent: passing("the gateway's process does not answer"),
  sources_failing: passing("sources of digests could not be read"),
  drift: passing("the configuration in use was never released"),
} satisfies Record<string, Kind>;

/** The name of a kind of finding: a label of metrics, and what a program decides by. */
export type FindingCode = keyof typeof FINDINGS;

/** One thing that is not as it should be. */
export interface Finding {
  code: FindingCode;
  severity: Severity;
  isUrgent: boolean;
  text: string;
  /** What was found, in full; null where the text says it all. */
  detail: string | null;
  /** The command that mends it or says more. */
  command: string;
}

/** Makes a finding of its kind. */
export function finding(
  code: FindingCode,
  text: string,
  command: string,
  detail: string | null = null,
): Finding {
  const { severity, isUrgent } = FINDINGS[code];
  return { code, severity, isUrgent, text, detail, command };
}

/** The findings in the order in which people are told of them: that of the table. */
export function inOrder(findings: readonly Finding[]): Finding[] {
  const rank = new Map(Object.keys(FINDINGS).map((code, index) => [code, index]));
  return findings.toSorted((a, b) => (rank.get(a.code) ?? 0) - (rank.get(b.code) ?? 0));
}

/** What all findings amount to. `well` and `new`, which is well before the first tick, are said only where there are none. */
export type Verdict = "stopped" | "unwell" | "needs_person" | "limited" | "well" | "new";

/** The verdict on findings. */
export function verdictOf(findings: readonly Finding[], hasRun: boolean): Verdict {
  if (findings.some(({ code }) => code === "killed")) return "stopped";
  if (!isFit(findings)) return "unwell";
  if (findings.some(({ isUrgent }) => isUrgent)) return "needs_person";
  if (findings.length > 0) return "limited";
  return hasRun ? "well" : "new";
}

/**
 * Whether the agent is fit to work, for exit codes and monitors. A set kill switch is not ill health: a container must not be
 * restarted for obeying it.
 */
export function isFit(findings: readonly Finding[]): boolean {
  return findings.every(({ severity, code }) => severity !== "bad" || code === "killed");
}

/** The verdict in a line, with what it rests on: "needs you: 1 dead job". */
export function verdictLine(of: { verdict: Verdict; findings: readonly Finding[] }): string {
  const { verdict, findings } = of;
  if (verdict === "well") return "all is well";
  if (verdict === "new") return "has not run yet";
  const urgent = findings.filter(({ isUrgent }) => isUrgent);
  const texts = (urgent.length > 0 ? urgent : findings).map(({ text }) => text).join(", ");
  return urgent.length > 0 ? `needs you: ${texts}` : `works with limits: ${texts}`;
}

/** What is wrong with the worker, by the watchdog's rule: their details say what the text says. */
export const WORKER_CODES: readonly FindingCode[] = [
  "worker_suspended",
  "worker_gone",
  "worker_ended",
  "worker_ending",
  "tick_died",
  "tick_hanging",
  "tick_overdue",
  "never_ran",
];

/** A finding in one sentence. */
export function sentenceOf({ code, text, detail }: Finding): string {
  if (detail === null) return text;
  return WORKER_CODES.includes(code) ? detail : `${text}: ${detail}`;
}
