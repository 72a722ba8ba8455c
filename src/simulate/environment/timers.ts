import { syncBuiltinESMExports } from "node:module";
import os from "node:os";
import timersPromises from "node:timers/promises";
import { replace } from "./replace.ts";
import type { Alarm, VirtualTime } from "./virtual-time.ts";

/**
 * Makes this thread live in virtual time: its timers, dates, deadlines and uptime. The code of the agent, and the
 * libraries under it, need not know. Gives what waits until that code has nothing to do but wait for an alarm.
 */
export function installTimers(time: VirtualTime): () => Promise<void> {
  const { setImmediate } = globalThis;
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
    do await new Promise((resolve) => setImmediate(resolve));
    while (isBusy());
  };
}

/** What a thread waits for that no alarm brings: immediates, files that are read or written beside it, compression, names. */
function isBusy(): boolean {
  return process.getActiveResourcesInfo().some((name) => /immediate|req|zlib/i.test(name));
}

function installTimeouts(time: VirtualTime): void {
  type Run = (...args: unknown[]) => void;
  const start = (run: Run, ms = 1, ...args: unknown[]) => time.alarm("agent", ms, () => run(...args));
  const repeat = (run: Run, ms = 1, ...args: unknown[]) => {
    const alarm: Alarm = time.alarm("agent", ms, () => {
      alarm.refresh();
      run(...args);
    });
    return alarm;
  };
  replace(globalThis, "setTimeout", start);
  replace(globalThis, "setInterval", repeat);
  replace(globalThis, "clearTimeout", time.cancel);
  replace(globalThis, "clearInterval", time.cancel);
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
