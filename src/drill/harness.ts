import { rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Agent } from "../agent.ts";
import type { Config } from "../config/config.ts";
import { type ModelEndpoint, startModelEndpoint } from "../faults/model-endpoint.ts";
import { familyOf, type Known, stillAlive } from "../faults/processes.ts";
import { makeScratch } from "../faults/scratch.ts";
import { systemClock } from "../lib/clock.ts";
import { MINUTE_MS } from "../lib/durations.ts";
import { messageOf } from "../lib/errors.ts";
import { createRedactor } from "../lib/redact.ts";
import { ModelUnavailable } from "../providers/chain.ts";
import type { Completion } from "../providers/types.ts";
import { BreakerOpen, CapReached } from "../rails/halt.ts";
import { type Deployment, deploy } from "./deployment.ts";
import { createDrillClock } from "./drill-clock.ts";
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

/** What became of one call through the gates. */
interface CallOutcome {
  /** Null when it was not answered. */
  completion: Completion | null;
  /** The window whose cap refused it, or the breaker. */
  refusedBy: string | null;
  /** On one line, for the record. */
  text: string;
}

/** What a drill works with: scratch agents, a counting model endpoint, a clock to move, and its record. */
export type Harness = Awaited<ReturnType<typeof openHarness>>;

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
export async function openHarness(options: HarnessOptions) {
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

  /**
   * Waits until it is so, writes that down, and gives the milliseconds it took (the system counts uptime in steps of 10).
   * @throws DrillFailed when it takes too long.
   */
  async function until(what: string, isSo: () => boolean, limitMs = patienceMs): Promise<number> {
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

  return {
    ...recorder,
    config,
    signal,
    endpoint,
    clock: createDrillClock(config.timezone),
    effects,
    until,
    /** A scratch agent of its own folder and state. */
    deploy(plan: Plan): Deployment {
      deployments += 1;
      const content = effects.configure(scratchConfig(config, endpoint.url, plan, recorder.differ));
      return deploy(join(dir, String(deployments)), content, {
        real: config,
        entry,
        signal,
        agents,
        workers,
      });
    },
    /** A worker and everything that descends from it, as the system lists them now; all of it is gone when the harness is. */
    family({ pid }: Worker): Known[] {
      const family = familyOf(pid);
      known.push(...family);
      return family;
    },
    /** Waits until a worker does something first: a start takes seconds on a busy machine, and proves nothing. */
    untilWorker(worker: Worker, what: string, isSo: () => boolean): Promise<number> {
      const isOver = () => {
        const isNow = isSo();
        if (!isNow && worker.exit !== null)
          recorder.expect(what, false, `the worker ended with ${exitText(worker)}`);
        return isNow;
      };
      return until(what, isOver, START_MS);
    },
    /** Waits until a worker and all its family are gone. */
    untilGone: (worker: Worker, family: readonly Known[], what = "the worker is gone") =>
      until(what, () => worker.exit !== null && stillAlive(family).length === 0),
    /** Waits in real time, where what must not happen is given the time to happen. */
    pause: (ms: number) => systemClock.sleep(ms, signal),
    /** Takes the real agent's secrets out of what is written down. */
    redact: createRedactor(config.secrets),
    /** Asks an agent's guarded model. `text` should be new each time: the same request over and over is a loop. */
    async ask(agent: Agent, text: string): Promise<CallOutcome> {
      try {
        const messages = [{ role: "user" as const, content: text }];
        const completion = await agent.model.complete({ messages }, { signal });
        return { completion, refusedBy: null, text: `answered by ${completion.model}` };
      } catch (error) {
        signal.throwIfAborted();
        const window = error instanceof CapReached ? error.window : null;
        const isOpen = error instanceof ModelUnavailable && error.cause instanceof BreakerOpen;
        const verdict = window !== null ? "capped" : isOpen ? "breaker_open" : "failed";
        const refusedBy = window ?? (isOpen ? "breaker" : null);
        return { completion: null, refusedBy, text: `${verdict}: ${messageOf(error)}` };
      }
    },
    /** So many requests must have reached the endpoint by now. */
    expectRequests(expected: string, count: number): void {
      const { length } = endpoint.requests;
      recorder.expect(expected, length === count, `${length} requests`);
    },
    /** The deployment's log must have lines of this event, and so many where a count is stated. Gives how many. */
    expectLogged(deployment: Deployment, event: string, count?: number): number {
      const { length } = deployment.logged(event);
      recorder.expect(
        count === undefined ? `the log has ${event}` : `the log has ${count} of ${event}`,
        count === undefined ? length > 0 : length === count,
        `${length} lines`,
      );
      return length;
    },
    /** The deployment's outbox must have one alert whose key begins so. */
    expectAlert(deployment: Deployment, key: string): void {
      const count = deployment.alerts(key);
      recorder.expect("one alert tells of it", count === 1, `${count} in the outbox`);
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
}
