import { mkdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { readAgentConfig } from "../agent.ts";
import { type Environment, processEnvironment } from "../config/environment.ts";
import { makeScratch } from "../faults/scratch.ts";
import type { JobKind } from "../jobs/job.ts";
import { jobKinds } from "../jobs/registry.ts";
import { assertNever } from "../lib/errors.ts";
import { siblingScript } from "../lib/sibling-script.ts";
import type { Day } from "./calendar.ts";
import type { FaultName } from "./fault-names.ts";
import { scratchEnvironment, writeScratchConfig } from "./scratch-config.ts";
import type { ThreadMessage } from "./serve.ts";
import type { SimulationResult } from "./simulation.ts";

/** Memory that looks like a disk: what is proved here does not need the real one, which is much slower. */
const MEMORY = "/dev/shm";

/** One simulation: a configuration, how long, and what goes wrong. */
export interface SimulateOptions {
  /** Path of afk.yaml; else AFK_CONFIG, else ./afk.yaml. */
  config?: string | undefined;
  environment?: Environment;
  days: number;
  seed: number;
  faults: readonly FaultName[];
  /** Kinds of jobs besides those of afk, for a thread that knows them too. */
  kinds?: readonly JobKind[];
  onDay?(day: Day): void;
  /** Ends it from outside. */
  signal?: AbortSignal;
}

/** A thread in which simulations run, one at a time. */
export interface Simulator {
  /** @throws ConfigError (exit 78) for a configuration that no agent would take. */
  run(options: SimulateOptions): Promise<SimulationResult>;
  close(): Promise<void>;
}

/** The thread that a simulator starts. */
export interface Thread {
  /** What serves simulations; afk's own unless stated. */
  script: URL;
  /** Further arguments of Node for it, such as a module to load first. */
  execArgv: readonly string[];
}

/**
 * Opens a thread for simulations. It has its own time, randomness, network and disk, and reaches nothing of this
 * process, of the deployment, or of the world.
 */
export function openSimulator(thread: Partial<Thread> = {}): Simulator {
  const { script = siblingScript("simulate-worker", import.meta.url), execArgv = [] } = thread;
  const worker = new Worker(script, { execArgv: [...process.execArgv, ...execArgv] });
  return {
    async run({ config: file, environment = processEnvironment(), kinds, ...options }) {
      // Read once as it is, so that errors name the file that the person wrote.
      const config = readAgentConfig({
        config: file,
        environment,
        ...(kinds === undefined ? {} : { kinds }),
      });
      const dir = makeScratch("afk-simulate-", MEMORY, tmpdir());
      try {
        const { configFile, local } = writeScratchConfig(
          config.paths.configFile,
          dir,
          [...(kinds ?? []), ...jobKinds].map(({ kind }) => kind),
        );
        mkdirSync(join(dir, "state"));
        return await resultOf(worker, options, {
          dir,
          configFile,
          state: join(dir, "state"),
          environment: scratchEnvironment(environment),
          local,
          days: options.days,
          seed: options.seed,
          faults: [...options.faults],
        });
      } finally {
        rmSync(dir, { recursive: true, force: true });
      }
    },
    close: async () => void (await worker.terminate()),
  };
}

function resultOf(
  worker: Worker,
  { onDay, signal }: Pick<SimulateOptions, "onDay" | "signal">,
  input: object,
): Promise<SimulationResult> {
  return new Promise((resolve, reject) => {
    const onAbort = () => end(() => reject(signal?.reason));
    const onMessage = (message: ThreadMessage) => {
      switch (message.type) {
        case "day":
          return onDay?.(message.day);
        case "result":
          return end(() => resolve(message.result));
        case "error":
          return end(() => reject(new Error(`afk bug: the simulation itself failed: ${message.message}`)));
        default:
          return assertNever(message);
      }
    };
    const onError = (error: unknown) => end(() => reject(error));
    const onExit = () => end(() => reject(new Error("afk bug: the thread of the simulation ended")));
    function end(settle: () => void): void {
      worker.off("message", onMessage).off("error", onError).off("exit", onExit);
      signal?.removeEventListener("abort", onAbort);
      settle();
    }
    worker.on("message", onMessage).on("error", onError).on("exit", onExit);
    signal?.addEventListener("abort", onAbort, { once: true });
    worker.postMessage(input);
  });
}
