import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { joinSignals } from "../../src/lib/signals.ts";

const listeners = (signal: AbortSignal) => getEventListeners(signal, "abort").length;

describe("joined signals", () => {
  it("abort with the first of them, for its reason", () => {
    const [one, other] = [new AbortController(), new AbortController()];
    using joined = joinSignals([one.signal, undefined, other.signal]);
    expect(joined.signal.aborted).toBe(false);
    other.abort("stopped");
    one.abort("too late");
    expect(joined.signal.reason).toBe("stopped");
    expect(joined.isTimedOut()).toBe(false);
  });

  it("are aborted from the start where one of them is, whatever the time", () => {
    const live = new AbortController();
    using joined = joinSignals([live.signal, AbortSignal.abort("stopped")], 1_000);
    expect(joined.signal.reason).toBe("stopped");
    expect(listeners(live.signal)).toBe(0);
  });

  it("abort when the time is over, and say that it was the time", async () => {
    const live = new AbortController();
    using joined = joinSignals([live.signal], 5);
    await new Promise((resolve) => joined.signal.addEventListener("abort", resolve));
    expect(joined.isTimedOut()).toBe(true);
    expect(joined.signal.reason).toMatchObject({ name: "TimeoutError" });
    expect(listeners(live.signal)).toBe(0);
  });

  it("leave nothing on a signal that lives longer than the work, and never abort after it", async () => {
    const live = new AbortController();
    let signal: AbortSignal;
    {
      using joined = joinSignals([live.signal], 5);
      signal = joined.signal;
      expect(listeners(live.signal)).toBe(1);
    }
    expect(listeners(live.signal)).toBe(0);
    live.abort();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(signal.aborted).toBe(false);
  });
});
