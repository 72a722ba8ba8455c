import { AfkError, EXIT } from "../../lib/errors.ts";
import { recoverClientCalls } from "../../rails/recover.ts";
import { StateLocked } from "../../store/errors.ts";
import { acquireLock } from "../../store/sqlite/lock.ts";
import { lockHolder } from "../../store/sqlite/lock-holder.ts";
import type { Uses } from "../dependencies.ts";

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
 * what was being sent may have been billed, and stays charged as unknown from now on.
 * @throws GatewayRunning when another process serves it, or what `work` throws.
 */
export async function holdGateway<T>(
  { config, store, rails, log }: Uses<"config" | "store" | "rails" | "log">,
  work: () => Promise<T>,
): Promise<T> {
  const path = config.paths.gatewayLock;
  const lock = take(path);
  store.health.files.push(...lock.files);
  try {
    const calls = await recoverClientCalls(rails);
    if (calls.unknown + calls.released > 0) log.event("warn", "recovered", { calls });
    return await work();
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
