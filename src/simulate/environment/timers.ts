import { syncBuiltinESMExports } from "node:module";
import os from "node:os";
import timersPromises from "node:timers/promises";
import { replace } from "./replace.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** Waits until the code of this thread has nothing to do but wait for an alarm. */
export type Quiet = () => Promise<void>;

/**
 * Makes this thread live in virtual time: its timers, dates, deadlines and uptime. The code of the agent, and the
 * libraries under it, need not know.
 */
export function installTimers(time: VirtualTime): Quiet {
  const immediates = countImmediates();
  installTimeouts(time);
  installDate(time);
  replace(AbortSignal, "timeout", (ms: number) => {
    const controller = new AbortController();
    const reason = () => new DOMException("The operation was aborted due to timeout", "TimeoutError");
    time.alarm("agent", ms, () => controller.abort(reason()));
    return controller.signal;
  });
  replace(
    timersPromises,
    "setTimeout",
    async (ms: number, value: unknown, options?: { signal?: AbortSignal }) => {
      await time.sleep(ms, options?.signal);
      return value;
    },
  );
  replace(os, "uptime", () => time.uptimeMs() / 1_000);
  // The system's clock counts with this one between two looks at the uptime.
  replace(process, "uptime", () => time.uptimeMs() / 1_000);
  replace(performance, "now", () => time.uptimeMs());
  syncBuiltinESMExports();
  return async () => {
    do {
      await immediates.turn();
    } while (immediates.pending() > 0 || isSystemBusy());
  };
}

/** What a thread waits for that no alarm brings: files that are read or written beside it, compression, names. */
function isSystemBusy(): boolean {
  return process.getActiveResourcesInfo().some((name) => /req|zlib/i.test(name));
}

function countImmediates(): { turn(): Promise<void>; pending(): number } {
  const real = setImmediate;
  const clear = clearImmediate;
  const pending = new Set<NodeJS.Immediate>();
  replace(globalThis, "setImmediate", (run: (...args: unknown[]) => void, ...args: unknown[]) => {
    const immediate = real(() => {
      pending.delete(immediate);
      run(...args);
    });
    pending.add(immediate);
    return immediate;
  });
  replace(globalThis, "clearImmediate", (immediate: NodeJS.Immediate) => {
    pending.delete(immediate);
    clear(immediate);
  });
  return { turn: () => new Promise((resolve) => real(resolve)), pending: () => pending.size };
}

/** What Node gives for a timer, as far as libraries use it. */
interface Timer extends Disposable {
  ref(): Timer;
  unref(): Timer;
  hasRef(): boolean;
  refresh(): Timer;
  close(): Timer;
}

function installTimeouts(time: VirtualTime): void {
  const cancels = new WeakMap<object, () => void>();

  function start(run: (...args: unknown[]) => void, ms: number, args: unknown[], doesRepeat: boolean): Timer {
    const alarm = time.alarm("agent", ms, () => {
      if (doesRepeat) time.again(alarm, ms);
      run(...args);
    });
    const cancel = () => time.cancel(alarm);
    const timer: Timer = {
      ref: () => timer,
      unref: () => timer,
      hasRef: () => true,
      refresh() {
        time.again(alarm, ms);
        return timer;
      },
      close() {
        cancel();
        return timer;
      },
      [Symbol.dispose]: cancel,
    };
    cancels.set(timer, cancel);
    return timer;
  }

  const end = (timer: unknown) => {
    if (typeof timer === "object" && timer !== null) cancels.get(timer)?.();
  };
  type Run = (...args: unknown[]) => void;
  replace(globalThis, "setTimeout", (run: Run, ms = 1, ...args: unknown[]) => start(run, ms, args, false));
  replace(globalThis, "setInterval", (run: Run, ms = 1, ...args: unknown[]) => start(run, ms, args, true));
  replace(globalThis, "clearTimeout", end);
  replace(globalThis, "clearInterval", end);
}

function installDate(time: VirtualTime): void {
  const Real = Date;
  const now = () => time.nowMs();
  const virtual = new Proxy(Real, {
    construct: (target, args, newTarget) =>
      Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
    apply: () => new Real(now()).toString(),
  });
  replace(Real, "now", now);
  replace(globalThis, "Date", virtual);
}
