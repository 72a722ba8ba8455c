import { rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Agent } from "../agent.ts";
import type { Config } from "../config/config.ts";
import { type ModelEndpoint, startModelEndpoint } from "../faults/model-endpoint.ts";
import { familyOf, type Known, stillAlive } from "../faults/processes.ts";
import { makeScratch } from "../faults/scratch.ts";
import type { JobKind } from "../jobs/job.ts";
import { type Clock, systemClock } from "../lib/clock.ts";
import { MINUTE_MS } from "../lib/durations.ts";
import { createRedactor } from "../lib/redact.ts";
import { type Deployment, deploy } from "./deployment.ts";
import { createDrillClock, type DrillClock } from "./drill-clock.ts";
import type { Recorder } from "./recorder.ts";
import { type Plan, scratchConfig } from "./scratch-config.ts";
import { endAll, exitText, type Worker } from "./worker.ts";

/** What a drill does to the world. Tests give others, to see that a drill notices what does not work. */
export interface Effects {
  signal(pid: number, signal: NodeJS.Signals): void;
  /** Writes a STOP file. */
  touch(path: string): void;
  endpoint(): Promise<ModelEndpoint>;
  /** The last word on a scratch configuration. */
  configure(content: Record<string, unknown>): Record<string, unknown>;
}

/** What drills do by themselves. */
export const EFFECTS: Effects = {
  signal: (pid, signal) => void process.kill(pid, signal),
  touch: (path) => writeFileSync(path, "set by a drill\n", { mode: 0o600 }),
  endpoint: () => startModelEndpoint("ollama", { bytesPerToken: 1 }),
  configure: (content) => content,
};

/** What a harness is made from. */
export interface HarnessOptions {
  /** The real agent's. */
  config: Config;
  /** Path of the CLI's entry, for workers. */
  entry: string;
  /** Ends the drill from outside. */
  signal: AbortSignal;
  recorder: Recorder;
  effects?: Partial<Effects> | undefined;
  /** How long a safety may take to work. 20 s unless stated. */
  patienceMs?: number | undefined;
}

/** What a drill works with: scratch agents, a counting model endpoint, a clock to move, and its record. */
export interface Harness extends Recorder {
  config: Config;
  signal: AbortSignal;
  endpoint: ModelEndpoint;
  clock: DrillClock;
  effects: Effects;
  /** A scratch agent of its own folder and state. */
  deploy(plan: Plan): Deployment;
  /** An agent of a deployment in this process, closed with the harness. */
  open(deployment: Deployment, options?: { clock?: Clock; kinds?: readonly JobKind[] }): Promise<Agent>;
  /** A worker process, which is gone when the harness is. */
  start(deployment: Deployment, args: readonly string[], nodeOptions?: readonly string[]): Worker;
  /** A worker and everything that descends from it, as the system lists them now; all of it is gone when the harness is. */
  family(worker: Worker): Known[];
  /** Which of them the system still lists. */
  alive(family: readonly Known[]): Known[];
  /**
   * Waits until it is so, writes that down, and gives the milliseconds it took (the system counts uptime in steps of 10).
   * @throws DrillFailed when it takes too long.
   */
  until(what: string, isSo: () => boolean): Promise<number>;
  /** The same for a worker that is to do something first: a start takes seconds on a busy machine, and proves nothing. */
  untilWorker(worker: Worker, what: string, isSo: () => boolean): Promise<number>;
  /** Waits in real time, where what must not happen is given the time to happen. */
  pause(ms: number): Promise<void>;
  /** Takes the real agent's secrets out of what is written down. */
  redact(text: string): string;
  close(): Promise<void>;
}

/** A safety that is fired on purpose. To add one, write it in `drills/` and list it in registry.ts. */
export interface Drill {
  name: string;
  /** One line for lists: what is fired, and what must come of it. */
  description: string;
  /** Why a person should care, for the record. */
  promise: string;
  /** Fires it. Everything that must be so goes through `harness.expect`, which throws DrillFailed where it is not. */
  run(harness: Harness): Promise<void>;
}

const PATIENCE_MS = 20_000;
const START_MS = MINUTE_MS;
const POLL_MS = 10;

/** Makes a scratch folder and starts a counting model endpoint; `close` ends all that was started. */
export async function openHarness(options: HarnessOptions): Promise<Harness> {
  const { config, entry, signal, recorder, patienceMs = PATIENCE_MS } = options;
  const effects = { ...EFFECTS, ...options.effects };
  const dir = makeScratch(`afk-drill-${process.pid}-`, tmpdir(), config.paths.state);
  const workers: Worker[] = [];
  const known: Known[] = [];
  const agents: Agent[] = [];
  let deployments = 0;
  const endpoint = await effects.endpoint().catch((error: unknown) => {
    rmSync(dir, { recursive: true, force: true });
    throw error;
  });

  return {
    ...recorder,
    config,
    signal,
    endpoint,
    clock: createDrillClock(config.timezone),
    effects,
    deploy(plan) {
      deployments += 1;
      const content = scratchConfig(config, endpoint.url, plan, recorder.differ);
      return deploy(join(dir, String(deployments)), effects.configure(content), { real: config, entry });
    },
    async open(deployment, how) {
      signal.throwIfAborted();
      const agent = await deployment.open(how);
      agents.push(agent);
      return agent;
    },
    start(deployment, args, nodeOptions) {
      signal.throwIfAborted();
      const worker = deployment.start(args, nodeOptions);
      workers.push(worker);
      return worker;
    },
    family({ pid }) {
      const family = familyOf(pid);
      known.push(...family);
      return family;
    },
    alive: stillAlive,
    pause: (ms) => systemClock.sleep(ms, signal),
    redact: createRedactor(config.secrets),
    until: (what, isSo) => wait(what, isSo, patienceMs),
    untilWorker(worker, what, isSo) {
      const isOver = () => {
        const isNow = isSo();
        if (!isNow && worker.exit !== null)
          recorder.expect(what, false, `the worker ended with ${exitText(worker.exit)}`);
        return isNow;
      };
      return wait(what, isOver, START_MS);
    },
    async close() {
      try {
        await endAll(workers, known);
        for (const agent of agents.splice(0)) await agent.close();
      } finally {
        await endpoint.close();
        rmSync(dir, { recursive: true, force: true, maxRetries: 3 });
      }
    },
  };

  async function wait(what: string, isSo: () => boolean, limitMs: number): Promise<number> {
    const startedMs = systemClock.uptimeMs();
    for (;;) {
      const isNow = isSo();
      const tookMs = systemClock.uptimeMs() - startedMs;
      if (isNow || tookMs > limitMs)
        recorder.expect(what, isNow, isNow ? `after ${tookMs} ms` : `not within ${limitMs / 1_000} s`);
      if (isNow) return tookMs;
      await systemClock.sleep(POLL_MS, signal);
    }
  }
}
