import { after } from "../lib/clock.ts";
import { MINUTE_MS } from "../lib/durations.ts";
import { CapReached } from "../rails/halt.ts";
import type { Rails } from "../rails/rails.ts";
import type { Asked } from "./asked.ts";
import type { Delivery } from "./delivery.ts";

/** A request that fits only once others have settled waits for so long. Codex takes the refusal for final. */
const WAIT_MS = 10_000;
const WAIT_CODEX_MS = MINUTE_MS;
/** A waiting request looks by itself this often, since other processes settle too. */
const LOOK_MS = 1_000;

/** As many requests as wait for room at the same time; more are told to come back. */
const WAITING_MAX = 500;

/** Requests that fit only once others have settled; whenever one has, the one that waits longest since its last try is next. */
export function createWaiting() {
  const queue = new Set<() => void>();
  return {
    get isFull(): boolean {
      return queue.size >= WAITING_MAX;
    },
    /** Resolves when it is this request's turn to try again, after `ms`, or when `signal` aborts. */
    turn(ms: number, signal: AbortSignal): Promise<void> {
      return new Promise((resolve) => {
        const go = () => {
          cancel();
          queue.delete(go);
          signal.removeEventListener("abort", go);
          resolve();
        };
        const cancel = after(ms, go);
        queue.add(go);
        signal.addEventListener("abort", go, { once: true });
      });
    },
    /** Money or a place may have become free: lets the first one try. */
    next(): void {
      const [first] = queue;
      first?.();
    },
  };
}

/** Tries again as long as calls under way may leave room for it, for a while. */
export async function whenThereIsRoom<T>(
  { rails, waiting }: { rails: Rails; waiting: ReturnType<typeof createWaiting> },
  { asked, delivery }: { asked: Asked; delivery: Delivery },
  signal: AbortSignal,
  make: () => Promise<T>,
): Promise<T> {
  const { headers } = asked.head;
  const isCodex = /^codex/i.test(headers.originator ?? headers["user-agent"] ?? "");
  const untilMs = rails.clock.uptimeMs() + (isCodex ? WAIT_CODEX_MS : WAIT_MS);
  for (;;) {
    try {
      return await make();
    } catch (error) {
      const leftMs = untilMs - rails.clock.uptimeMs();
      const mayWait = error instanceof CapReached && error.refusal.fitsLater && leftMs > 0 && !waiting.isFull;
      if (!mayWait || !delivery.hasClients) throw error;
      await waiting.turn(Math.min(leftMs, LOOK_MS), signal);
      // Nobody would get what is bought now.
      if (!delivery.hasClients) throw error;
    }
  }
}
