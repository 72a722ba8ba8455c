/**
 * How bad a finding is. `bad`: work that is due is not done, or word of it does not get out, until a restart or a person mends
 * that. `warn`: the work goes on, with limits or without a part of it.
 */
export type Severity = "bad" | "warn";

/**
 * Every finding that there is, in the order in which people are told of them. `isUrgent`: it goes on until a person does
 * something; otherwise time mends it. `help` says what it means, for metrics and docs.
 */
export const FINDINGS = {
  killed: { severity: "bad", isUrgent: true, help: "the kill switch is set" },
  worker_suspended: { severity: "bad", isUrgent: true, help: "the worker is suspended and does nothing" },
  worker_gone: { severity: "bad", isUrgent: true, help: "the worker ended without a word" },
  worker_ended: {
    severity: "bad",
    isUrgent: true,
    help: "the worker was told to end, and none came after it",
  },
  worker_ending: { severity: "warn", isUrgent: true, help: "the same, for less than `heartbeat.grace`" },
  tick_died: { severity: "bad", isUrgent: true, help: "a tick died, and none came after it" },
  tick_hanging: { severity: "bad", isUrgent: true, help: "a tick does not end" },
  tick_overdue: { severity: "bad", isUrgent: true, help: "the next tick is late" },
  never_ran: { severity: "bad", isUrgent: true, help: "no tick has ever run" },
  tick_failed: { severity: "bad", isUrgent: true, help: "the last tick failed" },
  no_output: { severity: "bad", isUrgent: true, help: "the last ticks that had work gave none" },
  config_refused: { severity: "bad", isUrgent: true, help: "afk.yaml was changed and is refused" },
  disk_low: { severity: "bad", isUrgent: true, help: "less than 200 MiB is free where the state is" },
  clock_apart: { severity: "bad", isUrgent: true, help: "the budget's time is not the wall clock's" },
  breaker_blocked: { severity: "bad", isUrgent: true, help: "something is refused until `afk resume`" },
  model_refuses: { severity: "bad", isUrgent: true, help: "a model refuses every call" },
  outputs_unwritten: { severity: "bad", isUrgent: true, help: "a file was made and is not in `out/`" },
  gateway_suspended: { severity: "bad", isUrgent: true, help: "the gateway's process is suspended" },
  alerts_undelivered: {
    severity: "bad",
    isUrgent: true,
    help: "a channel gave up alerts and has taken none since",
  },
  results_undelivered: {
    severity: "bad",
    isUrgent: true,
    help: "a receiver gave up results and has taken none since",
  },
  gateway_down: { severity: "warn", isUrgent: true, help: "nobody serves the gateway that afk.yaml names" },
  queue_waits: {
    severity: "warn",
    isUrgent: true,
    help: "jobs are due for longer than `heartbeat.grace`, and nobody works",
  },
  dead_letters: { severity: "warn", isUrgent: true, help: "jobs failed for good and wait for a person" },
  drafts_pending: { severity: "warn", isUrgent: true, help: "drafts wait for approval" },
  drafts_unknown: { severity: "warn", isUrgent: true, help: "drafts may have been done" },
  calls_unknown: { severity: "warn", isUrgent: true, help: "calls are charged at their worst case" },
  alerts_lost: { severity: "warn", isUrgent: true, help: "alerts of the last 24 hours were given up" },
  results_lost: { severity: "warn", isUrgent: true, help: "results of the last 24 hours were given up" },
  cap_refuses: { severity: "warn", isUrgent: false, help: "a cap refuses calls now" },
  client_refused: { severity: "warn", isUrgent: false, help: "requests of a client were refused today" },
  breaker_open: { severity: "warn", isUrgent: false, help: "something failed and is not called for a while" },
  jobs_waiting: { severity: "warn", isUrgent: false, help: "jobs wait for what is down" },
  job_overdue: {
    severity: "warn",
    isUrgent: false,
    help: "a job is due for longer than `heartbeat.grace` and was not begun",
  },
  alerts_delayed: {
    severity: "warn",
    isUrgent: false,
    help: "alerts wait for a channel that fails, or that nobody tries",
  },
  results_delayed: {
    severity: "warn",
    isUrgent: false,
    help: "results wait for a receiver that fails, or that nobody tries",
  },
  ping_failing: { severity: "warn", isUrgent: false, help: "the service outside takes no ping" },
  gateway_silent: { severity: "warn", isUrgent: false, help: "the gateway's process does not answer" },
  sources_failing: { severity: "warn", isUrgent: false, help: "sources of digests could not be read" },
  drift: { severity: "warn", isUrgent: false, help: "the configuration in use was never released" },
} as const satisfies Record<string, { severity: Severity; isUrgent: boolean; help: string }>;

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
export function verdictLine({
  verdict,
  findings,
}: {
  verdict: Verdict;
  findings: readonly Finding[];
}): string {
  if (verdict === "well") return "all is well";
  if (verdict === "new") return "has not run yet";
  const urgent = findings.filter(({ isUrgent }) => isUrgent);
  const texts = (urgent.length > 0 ? urgent : findings).map(({ text }) => text).join(", ");
  return urgent.length > 0 ? `needs you: ${texts}` : `works with limits: ${texts}`;
}

/** A finding in one sentence. */
export function sentenceOf({ code, text, detail }: Finding): string {
  if (detail === null) return text;
  return WHOLE.includes(code) ? detail : `${text}: ${detail}`;
}

/** Their details say what the text says. */
const WHOLE: readonly FindingCode[] = [
  "worker_suspended",
  "worker_gone",
  "worker_ended",
  "worker_ending",
  "tick_died",
  "tick_hanging",
  "tick_overdue",
  "never_ran",
];
