import { AfkError } from "../lib/errors.ts";

/** The queue for a provider is full. */
export class TooManyWaiting extends AfkError {
  constructor(name: string, waitersMax: number) {
    super(
      "too_many_waiting",
      `${waitersMax} calls wait for ${name} already; try again when it has caught up.`,
    );
  }
}

/**
 * Turns for the providers of one process. A loaded Ollama model has no queue limit of its own, and calls
 * in parallel would only slow each other down until all of them time out.
 */
export function createTurns(waitersMax = 1_000) {
  // A name is here while a call of it runs, with those that wait for it.
  const waiting = new Map<string, Array<() => void>>();
  return {
    /**
     * Runs `call` when it is its turn: one at a time per name, in the order they came. A waiter whose signal aborts leaves the
     * queue and throws the signal's reason; `call` is then never run.
     * @throws TooManyWaiting when the queue of this name is full.
     */
    async run<T>(name: string, signal: AbortSignal, call: () => Promise<T>): Promise<T> {
      signal.throwIfAborted();
      const queue = waiting.get(name);
      if (queue === undefined) waiting.set(name, []);
      else if (queue.length >= waitersMax) throw new TooManyWaiting(name, waitersMax);
      else await turn(queue, signal);
      try {
        return await call();
      } finally {
        passOn(waiting, name);
      }
    },
  };
}

function turn(queue: Array<() => void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const start = () => {
      signal.removeEventListener("abort", leave);
      resolve();
    };
    const leave = () => {
      queue.splice(queue.indexOf(start), 1);
      reject(signal.reason);
    };
    signal.addEventListener("abort", leave, { once: true });
    queue.push(start);
  });
}

/** The turn goes straight to the next in line, so that nobody who comes later can slip in between. */
function passOn(waiting: Map<string, Array<() => void>>, name: string): void {
  const next = waiting.get(name)?.shift();
  if (next === undefined) waiting.delete(name);
  else next();
}
