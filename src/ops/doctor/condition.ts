import { type Condition, readCondition } from "../condition/condition.ts";
import {
  type Finding as ConditionFinding,
  type FindingCode,
  sentenceOf,
  WORKER_CODES,
} from "../condition/finding.ts";
import { observe } from "../worker.ts";
import { type Finding, type Found, ok, type WithStore } from "./check.ts";

const known = new WeakMap<WithStore, Promise<Condition>>();

/** The agent's condition, read once for all checks of one subject. */
export function conditionOf(subject: WithStore): Promise<Condition> {
  const { config, store, clock } = subject;
  const condition =
    known.get(subject) ??
    observe(config, clock).then((observed) => readCondition({ config, db: store.db, clock }, observed));
  known.set(subject, condition);
  return condition;
}

/** What the condition has of these kinds, as doctor shows it. */
export async function findingsOf(subject: WithStore, codes: readonly FindingCode[]): Promise<Finding[]> {
  const { findings } = await conditionOf(subject);
  return findings.filter(({ code }) => codes.includes(code)).map(asFound);
}

function asFound(finding: ConditionFinding): Finding {
  const { code, severity, command } = finding;
  return { code, result: severity, found: sentenceOf(finding), mend: command };
}

/** Kinds that a check of their own shows, with more about them. */
const SHOWN: readonly FindingCode[] = [
  "killed",
  ...WORKER_CODES,
  "disk_low",
  "clock_apart",
  "breaker_blocked",
  "breaker_open",
  "model_refuses",
  "models_refuse",
  "ping_failing",
  "gateway_suspended",
  "gateway_down",
  "gateway_silent",
  "drift",
];

/** Everything else that the condition has: what status says is said here too. */
export async function restOfCondition(subject: WithStore): Promise<Found> {
  const { findings } = await conditionOf(subject);
  const rest = findings.filter(({ code }) => !SHOWN.includes(code)).map(asFound);
  return rest.length > 0 ? rest : ok("nothing else waits for anybody");
}
