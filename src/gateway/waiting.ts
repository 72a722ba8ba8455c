/** As many requests as wait for room at the same time; more are told to come back. */
const WAITING_MAX = 500;

/** Requests that fit only once others have settled, the first to come first. */
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
          clearTimeout(timer);
          queue.delete(go);
          signal.removeEventListener("abort", go);
          resolve();
        };
        const timer = setTimeout(go, ms);
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
