import { on } from "node:events";
import { mkdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { readAgentConfig } from "../agent.ts";
import { type Environment, processEnvironment } from "../config/environment.ts";
import { makeScratch } from "../faults/scratch.ts";
import type { JobKind } from "../jobs/job.ts";
import { jobKinds } from "../jobs/registry.ts";
import { siblingScript } from "../lib/sibling-script.ts";
import type { Day } from "./calendar.ts";
import { scratchEnvironment, writeScratchConfig } from "./scratch-config.ts";
import type { ThreadMessage } from "./serve.ts";
import type { SimulationInput } from "./set-up.ts";
import type { SimulationResult } from "./simulation.ts";

/** Memory that looks like a disk: what is proved here does not need the real one, which is much slower. */
const MEMORY = "/dev/shm";

/** One simulation: a configuration, how long, and what goes wrong. */
interface SimulateOptions extends Pick<SimulationInput, "days" | "seed" | "faults"> {
  /** Path of afk.yaml; else AFK_CONFIG, else ./afk.yaml. */
  config?: string | undefined;
  environment?: Environment;
  /** Kinds of jobs besides those of afk, for a thread that knows them too. */
  kinds?: readonly JobKind[];
  onDay?(day: Day): void;
  /** Ends it from outside. */
  signal?: AbortSignal;
}

/**
 * Opens a thread for simulations. It has its own time, randomness, network and disk, and reaches nothing of this
 * process, of the deployment, or of the world. `script`: what serves simulations, afk's own unless stated; `execArgv`: further
 * arguments of Node for it, such as a module to load first.
 */
export function openSimulator({
  script = siblingScript("simulate-worker", import.meta.url),
  execArgv = [] as readonly string[],
} = {}) {
  const worker = new Worker(script, { execArgv: [...process.execArgv, ...execArgv] });
  return {
    /** @throws ConfigError (exit 78) for a configuration that no agent would take. */
    async run(options: SimulateOptions): Promise<SimulationResult> {
      const { environment = processEnvironment(), kinds = [], days, seed, faults } = options;
      // Read once as it is, so that errors name the file that the person wrote.
      const { paths } = readAgentConfig({ config: options.config, environment, kinds });
      const dir = makeScratch("afk-simulate-", MEMORY, tmpdir());
      try {
        const names = [...kinds, ...jobKinds].map(({ kind }) => kind);
        const scratch = writeScratchConfig(paths.configFile, dir, names);
        const state = join(dir, "state");
        mkdirSync(state);
        return await resultOf(worker, options, {
          ...scratch,
          ...{ dir, state, days, seed, faults },
          environment: scratchEnvironment(environment),
        });
      } finally {
        rmSync(dir, { recursive: true, force: true });
      }
    },
    close: async () => void (await worker.terminate()),
  };
}

async function resultOf(
  worker: Worker,
  { onDay, signal }: SimulateOptions,
  input: SimulationInput,
): Promise<SimulationResult> {
  const messages = on(worker, "message", { close: ["exit"], ...(signal && { signal }) });
  worker.postMessage(input);
  for await (const [message] of messages as AsyncIterable<[ThreadMessage]>) {
    if (message.type === "result") return message.result;
    if (message.type === "error")
      throw new Error(`afk bug: the simulation itself failed: ${message.message}`);
    onDay?.(message.day);
  }
  throw new Error("afk bug: the thread of the simulation ended");
}
