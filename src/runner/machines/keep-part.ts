import { pause, systemClock } from "../../lib/clock.ts";
import { messageOf } from "../../lib/errors.ts";
import { MachineLost } from "../../rails/halt.ts";
import { readKillRow } from "../../rails/kill.ts";
import { LOST, type Machine } from "../../rails/machine.ts";
import { prepared } from "../../store/prepared.ts";
import type { Uses } from "../dependencies.ts";
import { recoverLeft } from "../phases/recover.ts";
import { markLost } from "./mark-lost.ts";
import { MACHINE_LEASE_MS } from "./take-part.ts";

const RENEW_MS = 5_000;
/** After a renewal that failed, and while the switch is set. */
const AGAIN_MS = 1_000;
/** What falls due sooner is looked at a moment later all the same: nobody shall spin. */
const LOOK_MS_MIN = 50;

type Keeping = Uses<"store" | "rails" | "clock" | "outbox" | "sender" | "config" | "randomness" | "log">;

/**
 * Does `work` while this process has its machine's part: its lease is renewed, and what other machines have left is seen to. Where
 * the lease of a worker is lost the work is told to end, as by a signal. Nobody else does the work of a gateway: it takes a lease
 * that was over up again, and ends only where another process has its part.
 * @throws MachineLost (exit 69) when it was lost, or what `work` throws.
 */
export async function whileKept<T>(
  dependencies: Keeping,
  machine: Machine | null,
  work: () => Promise<T>,
): Promise<T> {
  if (machine === null) return await work();
  const { rails } = dependencies;
  const over = new AbortController();
  let lost: MachineLost | null = null;
  if (machine.part === "worker") rails.machine = machine;
  const keeping = keep(dependencies, machine, over.signal).catch((error: unknown) => {
    lost = error instanceof MachineLost ? error : new MachineLost(`${LOST}: ${messageOf(error)}`);
    machine.heldUntilMs = 0;
    dependencies.log.event("error", "machine_put_out", { machine: machine.id, error: lost.message });
    rails.watch.trip({ by: "signal", at: systemClock.nowMs(), reason: lost.message });
  });
  try {
    return await work();
  } finally {
    over.abort();
    await keeping;
    // It takes the place of what the work threw when it was told to end.
    await end(dependencies, machine, lost);
  }
}

/** @throws MachineLost */
async function keep(dependencies: Keeping, machine: Machine, over: AbortSignal): Promise<void> {
  const { log, clock, rails } = dependencies;
  let waitMs = RENEW_MS;
  while (!over.aborted) {
    await untilDue(waitMs, [over, rails.watch.signal]);
    if (over.aborted) return;
    try {
      waitMs = await renew(dependencies, machine);
    } catch (error) {
      if (error instanceof MachineLost) throw error;
      log.event("warn", "machine_unrenewed", { machine: machine.id, error: messageOf(error) });
      if (machine.part === "worker" && clock.uptimeMs() >= machine.heldUntilMs)
        throw new MachineLost(`${LOST}: it could not be renewed in time (${messageOf(error)})`);
      waitMs = AGAIN_MS;
    }
  }
}

/** Not for what had aborted before: a stopped machine goes on to renew its lease while its work ends. */
async function untilDue(ms: number, signals: AbortSignal[]): Promise<void> {
  const nap = pause(ms);
  const open = signals.filter(({ aborted }) => !aborted);
  for (const signal of open) signal.addEventListener("abort", nap.end);
  await nap.over;
  for (const signal of open) signal.removeEventListener("abort", nap.end);
}

const [RENEW_WORKER, RENEW_GATEWAY] = [renewal(true), renewal(false)];

/** A worker that was lost stays so; a gateway has nothing that others could have taken over. */
function renewal(isWorker: boolean) {
  return prepared((db, at: { runner: string; nowMs: number; clockOffMs: number; leaseUntil: number }) =>
    db
      .updateTable("machines")
      .set({ lease_until: at.leaseUntil, looked_at: at.nowMs, clock_off_ms: at.clockOffMs, lost_at: null })
      .where("runner", "=", at.runner)
      .where("ended_at", "is", null)
      .$if(isWorker, (query) => query.where("lost_at", "is", null).where("lease_until", ">", at.nowMs))
      .returning((eb) => [
        eb.selectFrom("kill_switch").select("set_at").where("kill_switch.id", "=", 1).as("killedAt"),
        eb
          .selectFrom("machines as others")
          .select((inner) => inner.fn.min("others.lease_until").as("until"))
          .where("others.lost_at", "is", null)
          .where("others.ended_at", "is", null)
          .where("others.runner", "!=", at.runner)
          .as("othersUntil"),
        eb
          .selectFrom("jobs")
          .select((inner) => inner.fn.min("jobs.lease_until").as("until"))
          .where("jobs.state", "=", "running")
          .where("jobs.runner", "!=", at.runner)
          .as("jobsUntil"),
      ]),
  );
}

/**
 * One statement renews the lease, looks at the kill switch, and says what is to be seen to; that is done then.
 * @returns after how long to renew again. @throws MachineLost
 */
async function renew(dependencies: Keeping, machine: Machine): Promise<number> {
  const { store, rails, clock } = dependencies;
  const { runner } = machine;
  const isWorker = machine.part === "worker";
  const askedMs = clock.uptimeMs();
  const nowMs = clock.nowMs();
  const clockOffMs = systemClock.nowMs() - nowMs;
  const at = { runner, nowMs, clockOffMs, leaseUntil: nowMs + MACHINE_LEASE_MS };
  const [found] = (await (isWorker ? RENEW_WORKER : RENEW_GATEWAY)(store.db, at)).rows;
  if (found === undefined) throw new MachineLost(LOST);
  machine.heldUntilMs = askedMs + MACHINE_LEASE_MS;
  if (found.killedAt !== null) {
    const kill = await readKillRow(store.db);
    if (kill !== null) rails.watch.trip(kill);
  }
  const othersUntil = found.othersUntil === null ? Infinity : found.othersUntil + MACHINE_LEASE_MS;
  // Jobs are a worker's.
  const jobsUntil = (isWorker ? found.jobsUntil : null) ?? Infinity;
  if (othersUntil <= nowMs) await markLost(dependencies, machine);
  if (jobsUntil <= nowMs) {
    await recoverLeft(dependencies, { runner, tick: null });
    machine.left.tell();
  }
  // So that what another machine has left is taken over when it may be, and not a renewal later.
  const dueMs = Math.min(...[othersUntil, jobsUntil].filter((at) => at > nowMs)) - nowMs;
  // Whoever sets the switch waits for a look that is certainly later.
  const usualMs = found.killedAt === null ? RENEW_MS : AGAIN_MS;
  return Math.max(LOOK_MS_MIN, Math.min(usualMs, dueMs));
}

/** Whoever waits for this machine's part need not wait for its lease. @throws MachineLost where it was lost. */
async function end(
  { store, clock, log }: Keeping,
  { id, runner }: Machine,
  lost: MachineLost | null,
): Promise<void> {
  if (lost !== null) throw lost;
  const nowMs = clock.nowMs();
  try {
    await store.db
      .updateTable("machines")
      .set({ ended_at: nowMs, lease_until: nowMs })
      .where("runner", "=", runner)
      .where("lost_at", "is", null)
      .execute();
    log.event("info", "machine_ended", { machine: id });
  } catch (error) {
    // Its lease runs out by itself.
    log.event("warn", "machine_unrenewed", { machine: id, error: messageOf(error) });
  }
}
