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

/** Longer than any tick may take, so that one that never ends is found. */
const STUCK_MS = 7 * DAY_MS;

/** A machine that is on, with no process of the agent yet. */
export function createMachine(
  environment: SimulatedEnvironment,
  open: (options: AgentOptions) => Promise<Agent>,
  optionsNow: () => AgentOptions,
  /** Called before a process ends in good order, whose last act is to put the write-ahead log away. */
  beforeClose: () => void,
) {
  const { time, disk, quiet } = environment;
  let kept: Agent | null = null;
  let offUntilMs: number | null = null;

  async function drive<T>(work: Promise<T>): Promise<Ended<T>> {
    let ended: Ended<T> | undefined;
    void work
      .then(
        (value): Ended<T> => ({ type: "done", value }),
        (error: unknown): Ended<T> => ({ type: "threw", error }),
      )
      .then((how) => {
        ended = how;
      });
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

  /** Code of a dead process that still runs in this thread fails at whatever it tries, until none is left. */
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

  async function close(agent: Agent | null): Promise<void> {
    if (agent === null) return;
    beforeClose();
    await drive(agent.close());
  }

  /** The process ends in good order, and the next one begins anew. */
  async function restart(): Promise<void> {
    const agent = kept;
    kept = null;
    await close(agent);
    time.dropAgentAlarms();
  }

  return {
    /** Does `work` with an agent, a new one if `isFresh`, and lets time pass until it is over. */
    async run<T>(work: (agent: Agent) => Promise<T>, { isFresh }: { isFresh: boolean }): Promise<Ended<T>> {
      if (!isFresh && kept?.rails.watch.signal.aborted) await restart();
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
    /** Lets time pass until this moment, or until the machine goes off. */
    async pass(untilMs: number) {
      while (offUntilMs === null && time.step(untilMs)) {
        await quiet();
        if (disk.isKilled()) await discardProcess();
      }
    },
    restart,
    /** Ends the process at once, whatever it does. */
    kill: () => disk.kill(),
    /** The machine goes off, its process with it, and comes back after so long. */
    powerOff(ms: number) {
      if (offUntilMs !== null) return;
      disk.kill();
      offUntilMs = time.elapsedMs() + ms;
    },
    /** When it comes back; null while it is on. */
    offUntilMs: () => offUntilMs,
    powerOn() {
      offUntilMs = null;
      time.boot();
    },
  };
}
