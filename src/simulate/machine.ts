import type { Agent, AgentOptions } from "../agent.ts";
import { DAY_MS } from "../lib/durations.ts";
import type { SimulatedEnvironment } from "./environment/environment.ts";

/** How something that the agent did has ended. */
export type Ended<T> =
  | { type: "done"; value: T }
  | { type: "threw"; error: unknown }
  /** The process was killed, or the machine went off, in the middle of it. */
  | { type: "killed" }
  /** It waits for something that will never come. */
  | { type: "stuck" };

/** The computer that the agent runs on. One process of it is at work at a time. */
export interface Machine {
  /** Does `work` with an agent, and lets time pass until it is over. */
  run<T>(work: (agent: Agent) => Promise<T>, how: { isFresh: boolean }): Promise<Ended<T>>;
  /** Lets time pass until this moment, or until the machine goes off. */
  pass(untilMs: number): Promise<void>;
  /** The process ends in good order, and the next one begins anew. */
  restart(): Promise<void>;
  /** Ends the process at once, whatever it does. */
  kill(): void;
  /** The machine goes off, its process with it, and comes back after so long. */
  powerOff(ms: number): void;
  /** When it comes back; null while it is on. */
  offUntilMs(): number | null;
  powerOn(): void;
}

/** Longer than any tick may take, so that one that never ends is found. */
const STUCK_MS = 7 * DAY_MS;

/** A machine that is on, with no process of the agent yet. */
export function createMachine(
  environment: SimulatedEnvironment,
  open: (options: AgentOptions) => Promise<Agent>,
  optionsNow: () => AgentOptions,
  /** Called before a process ends in good order, whose last act is to put the write-ahead log away. */
  beforeClose: () => void,
): Machine {
  const { time, disk, quiet } = environment;
  let kept: Agent | null = null;
  let offUntilMs: number | null = null;

  async function drive<T>(work: Promise<T>): Promise<Ended<T>> {
    let ended: Ended<T> | undefined;
    work.then(
      (value) => {
        ended = { type: "done", value };
      },
      (error: unknown) => {
        ended = { type: "threw", error };
      },
    );
    const latestMs = time.elapsedMs() + STUCK_MS;
    for (;;) {
      await quiet();
      if (disk.isKilled()) {
        await discardProcess();
        return { type: "killed" };
      }
      if (ended !== undefined) return ended;
      if (!time.step(latestMs)) return { type: "stuck" };
    }
  }

  /** What is left of a dead process runs into closed doors, until nothing of it is left. */
  async function discardProcess(): Promise<void> {
    kept = null;
    for (let round = 0; round < 3; round++) {
      environment.cutAll();
      time.dropAgentAlarms();
      await quiet();
    }
    disk.revive();
    time.dropAgentAlarms();
  }

  async function close(agent: Agent): Promise<void> {
    beforeClose();
    await drive(agent.close());
  }

  async function closeKept(): Promise<void> {
    const agent = kept;
    kept = null;
    if (agent !== null) await close(agent);
    time.dropAgentAlarms();
  }

  return {
    async run(work, { isFresh }) {
      if (!isFresh && kept?.rails.watch.signal.aborted) await closeKept();
      let agent = isFresh ? null : kept;
      if (agent === null) {
        const opened = await drive(open(optionsNow()));
        if (opened.type !== "done") return opened;
        agent = opened.value;
        if (!isFresh) kept = agent;
      }
      const ended = await drive(work(agent));
      if (isFresh && ended.type !== "killed") await close(agent);
      return ended;
    },
    async pass(untilMs) {
      while (offUntilMs === null && time.step(untilMs)) {
        await quiet();
        if (disk.isKilled()) await discardProcess();
      }
    },
    restart: closeKept,
    kill: () => disk.kill(),
    powerOff(ms) {
      if (offUntilMs !== null) return;
      disk.kill();
      offUntilMs = time.elapsedMs() + ms;
    },
    offUntilMs: () => offUntilMs,
    powerOn() {
      offUntilMs = null;
      time.boot();
    },
  };
}
