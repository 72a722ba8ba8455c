import type { Selectable } from "kysely";
import type { Config } from "../config/config.ts";
import { type Clock, toIso } from "../lib/clock.ts";
import { usdFromMicros } from "../lib/money.ts";
import { viewOf } from "../lib/view.ts";
import type { BreakerState } from "../rails/breaker-state.ts";
import type { Kill } from "../rails/halt.ts";
import type { EndedTick, TicksTable } from "../store/schema/evidence.ts";
import type { JobState } from "../store/schema/queue.ts";
import type { Db } from "../store/schema.ts";
import { readCondition } from "./condition/condition.ts";
import type { Facts } from "./condition/facts.ts";
import type { Finding, Verdict } from "./condition/finding.ts";
import type { CapAnswers } from "./condition/questions.ts";
import type { WindowStatus } from "./condition/spend.ts";
import { isLive, isWorker, type MachineStatus, machineStatus } from "./fleet.ts";
import { type GatewayStatus, readGatewayStatus } from "./gateway-status.ts";
import { latestTicks } from "./history.ts";
import type { PausedJob } from "./paused.ts";
import type { WaitingStatus } from "./queue-status.ts";
import type { RemoteStatus } from "./remote-status.ts";
import { readUnattended, type UnattendedStatus } from "./unattended.ts";
import { isNewer, type Late } from "./watchdog/heartbeat.ts";
import { type Observation, observe, type Worker } from "./worker.ts";

/** What `afk status --json` prints. Instants are ISO 8601 in UTC, money in US dollars. */
export interface Status {
  agent: string;
  version: string;
  /** What the whole state amounts to: `well` only where nothing is found. */
  verdict: Verdict;
  /** Everything that is not as it should be, what people are told of first at the top. */
  findings: Finding[];
  /** `remedy`: what is to be done, where `afk resume` alone would not help. */
  killed: { by: string; at: string; reason: string; remedy?: string } | null;
  spend: WindowStatus[];
  /** Calls whose outcome is unknown; they stay charged at their worst case. */
  unknown: { calls: number; usd: number };
  breakers: {
    name: string;
    state: BreakerState["state"];
    failures: number;
    until: string | null;
    reason: string | null;
  }[];
  queue: Record<JobState, number>;
  alerts: { pending: number; failed: number };
  /** Results on their way to their receivers, and those that were given up. */
  deliveries: { pending: number; dead: number };
  /** `unknown`: a person must find out whether they were done. */
  drafts: { pending: number; unknown: number };
  /** Runs that wait for an answer about a cap, and what others were granted beyond theirs and may use still. */
  questions: CapAnswers["questions"];
  grants: CapAnswers["grants"];
  /** Files that are saved and not in `out/`; between ticks these are the ones that were set aside. */
  outputs: { pending: number };
  /** Jobs that wait for a model or a host that is down; null while none does. */
  waiting: WaitingStatus | null;
  /** Jobs that are put off, with by whom and since when. */
  paused: PausedJob[];
  /** Models that refused every call of the latest run that asked them, for a reason that waiting does not heal. */
  refusals: { model: string; since: string; at: string; reason: string }[];
  /** Sources of digests that could not be read at the last run; the rest goes on. */
  sources: { failing: number };
  lastTick: TickStatus | null;
  /** The latest ticks, oldest first, the last one included. */
  ticks: TickStatus[];
  /** When a tick last showed life, and what keeps work from being done, by the watchdog's rule; a stopped agent is never late. */
  heartbeat: { at: string | null; isLate: boolean; how: Late["how"] | null; problem: string | null };
  /** Whether somebody is at work, in a fleet on any machine; `pid` is null where it is not on this one, or the system does not say who. */
  worker: { state: Worker["state"]; pid: number | null };
  /** The machines of the fleet, those at work first; empty where one machine is all. */
  machines: MachineStatus[];
  nextDueAt: string | null;
  /** The gateway and who asks it; null where there is none. */
  gateway: GatewayStatus | null;
  /** The channels that the phone is read by; empty where afk.yaml names none. */
  remote: RemoteStatus[];
  /** The count of unattended days; null while no clock runs. */
  clock: UnattendedStatus | null;
}

/** A tick as the status shows it. */
export interface TickStatus {
  id: string;
  startedAt: string;
  finishedAt: string | null;
  outcome: "running" | EndedTick;
  reason: string | null;
  units: number;
  usd: number;
  /** Of a fleet: the one that ticked. */
  machine?: string;
}

interface StatusSources {
  config: Config;
  version: string;
  db: Db;
  clock: Clock;
  /** Where `db` shows an earlier moment than this one, what was observed before that. */
  observed?: Observation | undefined;
}

const TICKS_SHOWN = 60;

/** One glance at everything, which takes as long with a hundred thousand jobs as with one. Reads only. */
export async function readStatus(sources: StatusSources): Promise<Status> {
  const { config, db } = sources;
  const outside = sources.observed ?? (await observe(config, sources.clock));
  const condition = await readCondition(sources, outside);
  const { kill, late, lastTick: last, facts, verdict, findings, observed } = condition;
  const { worker, machines, nowMs } = observed;
  const ticks = (await latestTicks(db, nowMs, TICKS_SHOWN)).reverse();
  const shown = (tick: Selectable<TicksTable>) => tickStatus(tick, observed);
  return {
    agent: config.agent,
    version: sources.version,
    verdict,
    findings,
    killed: kill === null ? null : killView(kill),
    spend: facts.spend.rows,
    unknown: facts.unknown,
    breakers: facts.breakers.map(breakerStatus),
    queue: facts.queue,
    alerts: facts.alerts,
    deliveries: facts.deliveries,
    drafts: facts.drafts,
    ...facts.capAnswers,
    outputs: { pending: facts.outputs.pending },
    waiting: facts.waiting,
    paused: facts.paused,
    refusals: facts.refusals.map(({ model, since_at, last_at, reason }) => ({
      ...{ model, reason, since: toIso(since_at), at: toIso(last_at) },
    })),
    sources: { failing: facts.failingSources },
    lastTick: last === undefined ? null : shown(last),
    ticks: ticks.map(shown),
    heartbeat: {
      at: last === undefined ? null : toIso(last.finished_at ?? last.started_at),
      isLate: late !== null,
      how: late?.how ?? null,
      problem: late?.problem ?? null,
    },
    worker: { state: worker.state, pid: "pid" in worker ? worker.pid : null },
    machines: machines.map(machineStatus),
    nextDueAt: last?.next_due_at == null ? null : toIso(last.next_due_at),
    gateway: await readGatewayStatus(db, config, { day: facts.spend.day, holder: observed.gateway }),
    remote: facts.remotes,
    clock: await readUnattended(db),
  };
}

function breakerStatus({ name, state }: Facts["breakers"][number]): Status["breakers"][number] {
  return {
    name,
    state: state.state,
    failures: state.state === "closed" ? state.failures : 0,
    until: "until" in state ? toIso(state.until) : null,
    reason: "reason" in state ? state.reason : null,
  };
}

/** That a tick runs is said only while its machine is at work; one that began after that was asked is believed. */
function tickStatus(tick: Selectable<TicksTable>, { worker, machines, nowMs }: Observation): TickStatus {
  const { cost_micros, next_due_at: _due, by_hand: _byHand, version: _version, machine, ...shown } = tick;
  const own = machines.find((each) => each.id === machine && isWorker(each));
  const isHeld = own === undefined ? worker.state !== "none" : isLive(own);
  const hasDied = tick.outcome === "running" && !isHeld && !isNewer(tick.started_at, nowMs);
  const outcome = hasDied ? "crashed" : tick.outcome;
  return { ...viewOf(shown), outcome, usd: usdFromMicros(cost_micros), ...(machine !== null && { machine }) };
}

function killView({ by, at, reason, remedy }: Kill): Status["killed"] {
  return { by, at: toIso(at), reason, ...(remedy !== undefined && { remedy }) };
}
