import { parentPort } from "node:worker_threads";
import type { JobKind } from "../jobs/job.ts";
import { assert } from "../lib/errors.ts";
import type { Day } from "./calendar.ts";
import { installEnvironment, warmUp } from "./environment/environment.ts";
import type { SimulationInput } from "./set-up.ts";
import type { SimulationResult } from "./simulation.ts";

/** What the thread posts. An error is one of the simulation itself: what the agent does wrong is a violation. */
export type ThreadMessage =
  | { type: "day"; day: Day }
  | { type: "result"; result: SimulationResult }
  | { type: "error"; message: string };

/**
 * Makes this thread one that runs simulations, one after the other; each message is the input of one.
 * @param loadKinds loads kinds of jobs besides those of afk.
 */
export function serveSimulations(loadKinds: () => Promise<readonly JobKind[]>): void {
  const port = parentPort;
  assert(port !== null, "the thread of simulations was started as a program");
  const environment = installEnvironment();
  const post = (message: ThreadMessage) => port.postMessage(message);
  const loaded = load();

  async function load() {
    // What is loaded from here on finds the simulated environment.
    const { simulate } = await import("./simulation.ts");
    const kinds = await loadKinds();
    await warmUp(environment);
    return { simulate, kinds };
  }

  port.on("message", async (input: SimulationInput) => {
    try {
      const { simulate, kinds } = await loaded;
      const result = await simulate(environment, input, kinds, (day) => post({ type: "day", day }));
      post({ type: "result", result });
    } catch (error) {
      const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
      post({ type: "error", message });
    }
  });
}
