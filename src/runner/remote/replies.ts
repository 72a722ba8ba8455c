import { pause } from "../../lib/clock.ts";
import { messageOf } from "../../lib/errors.ts";
import type { Log } from "../../lib/log.ts";
import { RemoteFailed, type Transport } from "./transport.ts";

/** More than so many wait for nobody: whoever floods the agent is not answered. */
const WAITING_MAX = 20;
const TRIES = 3;
const WAIT_MS = 1_000;
const WAIT_MAX_MS = 10_000;

/** What goes back to the phone, one after another and beside the reading: a stop must not wait for an answer to something else. */
export interface Replies {
  /** Does `work` when its turn comes, and sends the text that it gives. Takes no time, and never throws. */
  add(work: () => Promise<string | null>): void;
  /** Resolves when all were sent, or given up. */
  settled(): Promise<void>;
}

/** The replies by one channel; `signal` ends them. */
export function createReplies(
  { transport, redact, log }: { transport: Transport; redact: (text: string) => string; log: Log },
  signal: AbortSignal,
): Replies {
  let waiting = 0;
  let last: Promise<void> = Promise.resolve();

  async function send(text: string): Promise<void> {
    for (let tries = 1; !signal.aborted; tries++) {
      try {
        return await transport.send({ text, actions: [] }, signal);
      } catch (error) {
        if (!(error instanceof RemoteFailed) || tries === TRIES) throw error;
        const askedMs = typeof error.retry === "object" ? error.retry.afterMs : WAIT_MS;
        if (askedMs > WAIT_MAX_MS) throw error;
        const wait = pause(askedMs);
        signal.addEventListener("abort", wait.end, { once: true });
        await wait.over;
        signal.removeEventListener("abort", wait.end);
      }
    }
  }

  return {
    add(work) {
      if (waiting >= WAITING_MAX) return;
      waiting += 1;
      last = last.then(async () => {
        try {
          const text = await work();
          if (text !== null) await send(redact(text));
        } catch (error) {
          log.event("warn", "remote_unanswered", { error: messageOf(error) });
        } finally {
          waiting -= 1;
        }
      });
    },
    settled: () => last,
  };
}
