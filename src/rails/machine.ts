import type { Clock } from "../lib/clock.ts";
import { newId, type Randomness } from "../lib/ids.ts";
import type { createNews } from "../lib/news.ts";
import { prepared } from "../store/prepared.ts";
import type { Trx } from "../store/schema.ts";
import { MachineLost } from "./halt.ts";

/** A machine of a fleet, as the process that has its part knows it. */
export interface Machine {
  id: string;
  part: Part;
  /** This process, as claims, the ledger and the machine's row name it. */
  runner: string;
  /** Until when its lease holds for certain, by the uptime: from then on others may do its work. */
  heldUntilMs: number;
  /** Told when this process has brought back what another machine left, which is no news from elsewhere to its own loop. */
  left: ReturnType<typeof createNews>;
}

/** A job and the claim that a run of it stands on. */
export interface JobClaim {
  id: string;
  token: number;
}

/** What is asked of the rails here: whose part this process has, and the time. */
interface Participant {
  machine: Machine | null;
  clock: Clock;
}

/** A process that makes guarded calls: the one that runs jobs, or the one that serves clients. */
export type Part = "worker" | "gateway";

/** A name for a process of a machine: it begins with the machine's, so that whose call or job it was is known when it is gone. */
export function newRunner(machine: string, part: Part, nowMs: number, randomness?: Randomness): string {
  return `${prefixOf(machine, part)}.${newId(nowMs, randomness)}`;
}

/** The processes that have had a part on a machine: their names are from `from` on, and below `below`. */
export function runnersOf(machine: string, part: Part): { from: string; below: string } {
  // The sign after the full stop, in the order of bytes.
  return { from: `${prefixOf(machine, part)}.`, below: `${prefixOf(machine, part)}/` };
}

function prefixOf(machine: string, part: Part): string {
  return `${machine}.${part}`;
}

/**
 * Whether a call of a job's run has lost the right to be made: its process no longer has its machine's part, its lease is over, or
 * the job is not its any more. Asked behind the gate, where nobody else decides at the same time.
 */
export async function refuseLost(
  trx: Trx,
  { machine, clock }: Participant,
  { runner, claim }: { runner: string | null; claim?: JobClaim | null | undefined },
): Promise<MachineLost | null> {
  if (machine === null || runner === null || claim == null) return null;
  const { id, token } = claim;
  const [found] = (await selectHolder(trx, { runner, nowMs: clock.nowMs(), id, token })).rows;
  if (found === undefined) return new MachineLost(`${LOST}; nothing was sent`);
  if (found.holds !== null) return null;
  return new MachineLost(`job ${id} is not this run's any more (claim ${token}); nothing was sent`);
}

/** The same by what this process knows itself, right before a first byte: a process that was suspended has asked long ago. */
export function refuseLapsed(
  { machine, clock }: Participant,
  { runner, claim }: { runner: string | null; claim?: JobClaim | null | undefined },
): void {
  if (machine === null || claim == null) return;
  const holds = machine.runner === runner && clock.uptimeMs() < machine.heldUntilMs;
  if (!holds) throw new MachineLost(`${LOST}; nothing was sent`);
}

/** What has become of a machine that may do nothing any more. */
export const LOST = "this machine's lease is over, and others may do its work";

const selectHolder = prepared((db, at: { runner: string; nowMs: number; id: string; token: number }) =>
  db
    .selectFrom("machines")
    .select((eb) =>
      eb
        .selectFrom("jobs")
        .select("jobs.token")
        .where("jobs.id", "=", at.id)
        .where("jobs.token", "=", at.token)
        .where("jobs.state", "=", "running")
        .as("holds"),
    )
    .where("runner", "=", at.runner)
    .where("lost_at", "is", null)
    .where("ended_at", "is", null)
    .where("lease_until", ">", at.nowMs),
);
