import { after } from "../lib/clock.ts";

/** What waits for the next section, each at most for so long; the first whose time is over takes all with it. */
export function createDeferred(ms: number) {
  const waiting = new Set<() => void>();
  function startAll(): void {
    for (const start of [...waiting]) start();
  }
  return {
    startAll,
    defer<T>(begin: () => Promise<T>): Promise<T> {
      return new Promise((resolve) => {
        const start = () => {
          cancel();
          waiting.delete(start);
          resolve(begin());
        };
        const cancel = after(ms, startAll);
        waiting.add(start);
      });
    },
  };
}
