import type { Selectable } from "kysely";
import type { Clock } from "../../lib/clock.ts";
import type { Kill } from "../../rails/halt.ts";
import { readKill } from "../../rails/kill.ts";
import { readMeta } from "../../store/meta.ts";
import type { TicksTable } from "../../store/schema/evidence.ts";
import { isWorker, observeFleet } from "../fleet.ts";
import { latestTicks } from "../history.ts";
import { type Late, lateHeartbeat, type WatchNotice } from "../watchdog/heartbeat.ts";
import { noOutput } from "../watchdog/no-output.ts";
import type { Observation } from "../worker.ts";
import { assess } from "./assess.ts";
import { type ConditionSources, type Facts, readFacts } from "./facts.ts";
import { type Finding, inOrder, isFit, sentenceOf, type Verdict, verdictOf } from "./finding.ts";

/** What the agent's state amounts to at one moment, and what that was assessed by. */
export interface Condition {
  verdict: Verdict;
  /** What people are told of first comes first. */
  findings: Finding[];
  /** What the watchdog alerts of by itself. */
  notices: WatchNotice[];
  kill: Kill | null;
  /** Why work is not done as it should be; of a stopped agent, which does none on purpose, null. */
  late: Late | null;
  lastTick: Selectable<TicksTable> | undefined;
  facts: Facts;
  /** What stood outside of the database, and in a fleet what its machines do. */
  observed: Observation;
}

/**
 * Assesses the agent's state: status, health, watchdog, doctor, page, metrics and ping say what this says, and nothing else
 * decides whether all is well. Reads only.
 * @param outside what stands outside of the database, as it was before `db` began to show one moment.
 */
export async function readCondition(given: ConditionSources, outside: Observation): Promise<Condition> {
  const { config, db } = given;
  const observed = await observeFleet(db, config, outside);
  const sources = config.database === null ? given : { ...given, clock: atTime(given.clock, observed) };
  const kill = await readStopped(sources, observed);
  const late =
    kill === null
      ? await lateHeartbeat({ config, db, ...observed, machines: observed.machines.filter(isWorker) })
      : null;
  const empty = kill === null ? await noOutput(db, config) : null;
  const [lastTick] = await latestTicks(db, observed.nowMs, 1);
  const facts = await readFacts(sources, { observed, lastTick, isLate: late !== null });
  const findings = inOrder(assess({ ...facts, observed, kill, late, empty, lastTick }));
  return {
    verdict: verdictOf(findings, lastTick !== undefined || (await hasCalled(db))),
    findings,
    notices: [late?.finding ?? null, empty].filter((notice) => notice !== null),
    ...{ kill, late, lastTick, facts, observed },
  };
}

/** What a fleet has spent in an hour or a day is judged by its time, whatever the clock of whoever looks says. */
function atTime(clock: Clock, { nowMs }: Observation): Clock {
  return { ...clock, isShared: true, nowMs: () => nowMs };
}

/** Where the library or the gateway works alone there are calls and no ticks. */
async function hasCalled(db: ConditionSources["db"]): Promise<boolean> {
  return (await db.selectFrom("ledger").select("id").limit(1).executeTakeFirst()) !== undefined;
}

/** The kill switch; a database that is older than its mark counts as stopped before anybody has set it for that. */
async function readStopped(
  { config: { paths }, db }: ConditionSources,
  { mark }: Observation,
): Promise<Kill | null> {
  const kill = await readKill(db, paths.stopFile);
  if (kill !== null) return kill;
  const generation = await readMeta(db, "generation");
  if (mark.generation <= generation) return null;
  const found =
    mark.problem ?? `it is at generation ${generation}, and ${paths.highWater} has seen ${mark.generation}`;
  return {
    by: "row",
    at: 0,
    reason: `the database is an older copy (${found}): it has forgotten what was spent since`,
  };
}

/** What `afk health --json` and `/healthz` print. */
export interface Health {
  /** Fit to work: nothing is `bad`, save a kill switch that somebody has set. */
  isHealthy: boolean;
  verdict: Verdict;
  /** The findings in sentences, also those that leave it healthy. */
  problems: string[];
  findings: Finding[];
}

/** Whether the agent is fit to work, and everything that is found. */
export function healthOf({ verdict, findings }: Pick<Condition, "verdict" | "findings">): Health {
  return { isHealthy: isFit(findings), verdict, problems: findings.map(sentenceOf), findings };
}

/** That of a configuration or a state that cannot be read, and why. */
export function unreadableHealth(problem: string): Health {
  return { isHealthy: false, verdict: "unwell", problems: [problem], findings: [] };
}
