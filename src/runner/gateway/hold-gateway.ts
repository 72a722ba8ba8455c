import { AfkError, EXIT } from "../../lib/errors.ts";
import { newRunner } from "../../rails/machine.ts";
import { recoverClientCalls } from "../../rails/recover.ts";
import { StateLocked } from "../../store/errors.ts";
import { acquireLock } from "../../store/sqlite/lock.ts";
import { lockHolder } from "../../store/sqlite/lock-holder.ts";
import type { Uses } from "../dependencies.ts";
import { machineIdOf } from "../machines/identity.ts";

/** Another process serves this agent's gateway. Exit code 75. */
export class GatewayRunning extends AfkError {
  constructor(pid: number | null) {
    const who = pid === null ? "another process" : `process ${pid}`;
    const message = `the gateway of this agent is served already, by ${who}; nothing was done. End that one first (it is afk gateway, or afk run with gateway.listen), or use it`;
    super("gateway_running", message, { exitCode: EXIT.locked });
  }
}

/**
 * Does `work` as the one gateway of the state directory; it takes nothing from a worker, whose lock is another. The system
 * drops the lock with the process, so whoever gets it knows that the calls of its predecessor's clients are nobody's any more:
 * what was being sent may have been billed, and stays charged as unknown from now on. In a fleet that is so of this machine's
 * clients; `work` is given the name under which the ledger has their calls, which is null elsewhere.
 * @throws GatewayRunning when another process serves it, or what `work` throws.
 */
export async function holdGateway<T>(
  { config, store, rails, clock, log }: Uses<"config" | "store" | "rails" | "clock" | "log">,
  work: (runner: string | null) => Promise<T>,
): Promise<T> {
  const path = config.paths.gatewayLock;
  const lock = take(path);
  store.health.files.push(...lock.files);
  try {
    const id = machineIdOf(config, clock.nowMs());
    const process = id === null ? null : { id, runner: newRunner(id, "gateway", clock.nowMs()) };
    const calls = await recoverClientCalls(rails, process);
    if (calls.unknown + calls.released > 0) log.event("warn", "recovered", { calls });
    return await work(process?.runner ?? null);
  } finally {
    for (const file of lock.files) store.health.files.splice(store.health.files.indexOf(file), 1);
    lock.release();
  }
}

function take(path: string) {
  try {
    return acquireLock(path);
  } catch (error) {
    throw error instanceof StateLocked ? new GatewayRunning(lockHolder(path)?.pid ?? null) : error;
  }
}
