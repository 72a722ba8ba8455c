import { AfkError, EXIT } from "../../lib/errors.ts";
import { recoverClientCalls } from "../../rails/recover.ts";
import { StateLocked } from "../../store/errors.ts";
import { acquireLock } from "../../store/sqlite/lock.ts";
import { lockHolder } from "../../store/sqlite/lock-holder.ts";
import { whileKept } from "../machines/keep-part.ts";
import { takePart } from "../machines/take-part.ts";

/** Another process serves this agent's gateway. Exit code 75. */
export class GatewayRunning extends AfkError {
  constructor(pid: number | null) {
    const who = pid === null ? "another process" : `process ${pid}`;
    const message = `the gateway of this agent is served already, by ${who}; nothing was done. End that one first (it is afk gateway, or afk run with gateway.listen), or use it`;
    super("gateway_running", message, { exitCode: EXIT.locked });
  }
}

type Holding = Parameters<typeof takePart>[0] & Parameters<typeof whileKept>[0];

/**
 * Does `work` as the one gateway of the state directory; it takes nothing from a worker, whose lock is another. The system
 * drops the lock with the process, so whoever gets it knows that the calls of its predecessor's clients are nobody's any more:
 * what was being sent may have been billed, and stays charged as unknown from now on. In a fleet that is so of this machine's
 * clients, and this process has a part of its own among the machines; `work` is given the name under which the ledger has their calls,
 * which is null elsewhere.
 * @throws GatewayRunning when another process serves it, MachineCopied, MachineLost, or what `work` throws.
 */
export async function holdGateway<T>(
  dependencies: Holding,
  work: (runner: string | null) => Promise<T>,
): Promise<T> {
  const { config, store, rails, log } = dependencies;
  const path = config.paths.gatewayLock;
  const lock = take(path);
  store.health.files.push(...lock.files);
  try {
    const machine = await takePart(dependencies, "gateway");
    const calls = await recoverClientCalls(rails, machine);
    if (calls.unknown + calls.released > 0) log.event("warn", "recovered", { calls });
    return await whileKept(dependencies, machine, () => work(machine?.runner ?? null));
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
