import { after } from "./clock.ts";

/** A signal for one piece of work, made of others that may live for as long as the process; disposed of with the work. */
interface JoinedSignal extends Disposable {
  /** Aborts with the reason of the first that does, or with a TimeoutError. */
  signal: AbortSignal;
  /** True when it was the time that ran out first. */
  isTimedOut(): boolean;
}

/**
 * Aborts with the first of `signals`, and after `timeoutMs` of real time if that is given. In place of `AbortSignal.any` and
 * `AbortSignal.timeout`: what those attach to a signal stays there until that signal goes, so that a process that runs for
 * weeks would keep something of each call it made.
 */
export function joinSignals(signals: readonly (AbortSignal | undefined)[], timeoutMs?: number): JoinedSignal {
  const joined = new AbortController();
  const detach: (() => void)[] = [];
  let isTimedOut = false;
  const end = () => {
    for (const undo of detach.splice(0)) undo();
  };
  const abort = (reason: unknown) => {
    end();
    joined.abort(reason);
  };
  for (const signal of signals) {
    if (signal === undefined) continue;
    if (signal.aborted) {
      abort(signal.reason);
      break;
    }
    const onAbort = () => abort(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    detach.push(() => signal.removeEventListener("abort", onAbort));
  }
  if (timeoutMs !== undefined && !joined.signal.aborted)
    detach.push(
      after(timeoutMs, () => {
        isTimedOut = true;
        abort(new DOMException(`not done within ${timeoutMs} ms`, "TimeoutError"));
      }),
    );
  return { signal: joined.signal, isTimedOut: () => isTimedOut, [Symbol.dispose]: end };
}
