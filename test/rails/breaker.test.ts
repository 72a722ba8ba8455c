import { describe, expect, it } from "vitest";
import { listBreakers, moveBreaker, readBreaker } from "../../src/rails/breaker.ts";
import type { BreakerState } from "../../src/rails/breaker-state.ts";
import { CallFailed } from "../../src/rails/call.ts";
import { guard } from "../../src/rails/guard.ts";
import { BreakerOpen, CapReached } from "../../src/rails/halt.ts";
import { alerts, besides, guardedCall, states, testRails, thrown } from "../support/rails.ts";
import type { RailsOn } from "../support/rails-on.ts";

const NAME = "model:openai/test";
const MINUTE = 60_000;
const free = (trip: CallFailed["trip"]) => new CallFailed("it is broken", { charge: "none", trip });
const failing = (rails: RailsOn, trip: CallFailed["trip"] = "count") =>
  thrown(guard(rails, guardedCall(rails, { perform: () => Promise.reject(free(trip)) })));
const working = (rails: RailsOn) => guard(rails, guardedCall(rails));
const breaker = (rails: RailsOn) => readBreaker(rails.store.db, NAME);

/** A guarded call that is under way until the test ends it. */
async function underWay(rails: RailsOn, signal?: AbortSignal) {
  const begun = Promise.withResolvers<void>();
  const outcome = Promise.withResolvers<CallFailed | null>();
  const result = guard(
    rails,
    guardedCall(rails, {
      signal,
      async perform(aborted) {
        begun.resolve();
        const failed = await Promise.race([
          outcome.promise,
          new Promise<never>((_resolve, reject) => {
            aborted.addEventListener("abort", () => reject(new Error("the connection was closed")));
          }),
        ]);
        if (failed !== null) throw failed;
        return { costMicros: 1, inputTokens: 1, outputTokens: 1, value: "late" };
      },
    }),
  );
  await Promise.race([begun.promise, result]);
  return {
    succeed: async () => {
      outcome.resolve(null);
      return await result;
    },
    fail: async () => {
      outcome.resolve(free("count"));
      return await thrown(result);
    },
    result,
  };
}

async function opened(rails: RailsOn) {
  for (let n = 0; n < 5; n++) await failing(rails);
  expect(await breaker(rails)).toMatchObject({ state: "open" });
}

it("is closed and has no row while nothing has failed", async () => {
  const rails = await testRails();
  await working(rails);
  expect(await breaker(rails)).toEqual({ state: "closed", failures: 0 });
  expect(await listBreakers(rails.store.db)).toEqual([]);
});

it("opens on five failures in a row; the sixth call makes no request and costs no budget", async () => {
  const rails = await testRails();
  for (let n = 0; n < 5; n++) expect(await failing(rails)).toBeInstanceOf(CallFailed);
  expect(await breaker(rails)).toMatchObject({ state: "open", until: rails.clock.nowMs() + 5 * MINUTE });
  const ledger = await states(rails);
  let requests = 0;
  const sixth = await thrown(
    guard(
      rails,
      guardedCall(rails, {
        perform: () => {
          requests += 1;
          return Promise.reject(free("count"));
        },
      }),
    ),
  );
  expect(sixth).toBeInstanceOf(BreakerOpen);
  expect(sixth).toMatchObject({ retry: { afterMs: 5 * MINUTE }, exitCode: 69 });
  expect(requests).toBe(0);
  expect(await states(rails)).toEqual(ledger);
});

it("counts failures in a row across processes and restarts, and a success anywhere ends the row", async () => {
  const rails = await testRails();
  const other = await besides(rails);
  for (let n = 0; n < 4; n++) await failing(n % 2 === 0 ? rails : other);
  await working(other);
  for (let n = 0; n < 4; n++) await failing(await besides(rails));
  expect(await breaker(rails)).toEqual({ state: "closed", failures: 4 });
  await failing(rails);
  expect(await breaker(other)).toMatchObject({ state: "open" });
});

it("keeps the breakers of other dependencies apart", async () => {
  const rails = await testRails();
  await opened(rails);
  expect(await guard(rails, guardedCall(rails, { dependency: "model:anthropic/test" }))).toBe("text");
});

it("opens at once for a refused key, and for as long as a 429 says", async () => {
  const rails = await testRails();
  await failing(rails, "now");
  expect(await thrown(working(rails))).toMatchObject({ retry: { afterMs: 5 * MINUTE } });
  rails.clock.advance(5 * MINUTE);
  await failing(rails, { untilAfterMs: 30_000 });
  expect(await thrown(working(rails))).toMatchObject({ retry: { afterMs: 30_000 } });
  rails.clock.advance(30_000);
  expect(await working(rails)).toBe("text");
});

it("stays open twice as long each time, up to its limit", async () => {
  const rails = await testRails({ breaker: { maxCooldownMs: 18 * MINUTE } });
  await opened(rails);
  const waits: number[] = [];
  for (let n = 0; n < 4; n++) {
    const state = await breaker(rails);
    if (state.state !== "open") throw new Error(state.state);
    const waitMs = state.until - rails.clock.nowMs();
    waits.push(waitMs / MINUTE);
    rails.clock.advance(waitMs - 1);
    expect(await thrown(working(rails))).toBeInstanceOf(BreakerOpen);
    rails.clock.advance(1);
    await failing(rails);
  }
  expect(waits).toEqual([5, 10, 18, 18]);
});

describe("after the cooldown", () => {
  it("lets one probe through; the others are refused until it is answered", async () => {
    const rails = await testRails();
    const other = await besides(rails);
    await opened(rails);
    rails.clock.advance(5 * MINUTE);
    const probe = await underWay(rails);
    expect(await breaker(rails)).toMatchObject({ state: "half_open" });
    for (const each of [rails, other]) expect(await thrown(working(each))).toBeInstanceOf(BreakerOpen);
    expect(await probe.succeed()).toBe("late");
    expect(await breaker(rails)).toEqual({ state: "closed", failures: 0 });
    expect(await working(other)).toBe("text");
  });

  it("gives a probe up for lost a minute after its call's deadline, and ignores what it then says", async () => {
    const rails = await testRails();
    await opened(rails);
    rails.clock.advance(5 * MINUTE);
    const lost = await underWay(rails);
    rails.clock.advance(7 * MINUTE - 1);
    expect(await thrown(working(rails))).toBeInstanceOf(BreakerOpen);
    rails.clock.advance(1);
    const probe = await underWay(rails);
    await lost.succeed();
    expect(await breaker(rails)).toMatchObject({ state: "half_open" });
    await probe.fail();
    expect(await breaker(rails)).toMatchObject({ state: "open", cooldownMs: 10 * MINUTE });
  });

  it("gives the probe back when our own abort ended it, and counts no failure", async () => {
    const rails = await testRails();
    await opened(rails);
    rails.clock.advance(5 * MINUTE);
    const stop = new AbortController();
    const probe = await underWay(rails, stop.signal);
    stop.abort(new Error("the job's time is up"));
    expect(await thrown(probe.result)).toMatchObject({ message: "the job's time is up" });
    expect(await working(rails)).toBe("text");
    expect(await breaker(rails)).toEqual({ state: "closed", failures: 0 });
  });

  it("gives the probe back when an abort came between the gates and the first byte", async () => {
    const rails = await testRails();
    await opened(rails);
    rails.clock.advance(5 * MINUTE);
    const stop = new AbortController();
    const { store } = rails;
    const aborting: RailsOn = {
      ...rails,
      store: {
        ...store,
        async atomically(work) {
          const result = await store.atomically(work);
          stop.abort(new Error("the job's time is up"));
          return result;
        },
      },
    };
    expect(await thrown(guard(aborting, guardedCall(rails, { signal: stop.signal })))).toMatchObject({
      message: "the job's time is up",
    });
    expect((await states(rails)).at(-1)).toBe("released");
    expect(await working(rails)).toBe("text");
  });

  it("does not use the probe up for a call that the cap refuses", async () => {
    const rails = await testRails();
    await opened(rails);
    rails.clock.advance(5 * MINUTE);
    const dear = guardedCall(rails, { estimateMicros: 2_000_000 });
    expect(await thrown(guard(rails, dear))).toBeInstanceOf(CapReached);
    expect(await breaker(rails)).toMatchObject({ state: "open" });
    expect(await working(rails)).toBe("text");
  });

  it("gives the probe back when it was refused for what it asked", async () => {
    const rails = await testRails();
    await opened(rails);
    rails.clock.advance(5 * MINUTE);
    await failing(rails, "none");
    expect(await working(rails)).toBe("text");
  });
});

describe("a call that began before the breaker opened", () => {
  it("does not close it by a late success", async () => {
    const rails = await testRails();
    const late = await underWay(rails);
    await opened(rails);
    const before = await breaker(rails);
    expect(await late.succeed()).toBe("late");
    expect(await breaker(rails)).toEqual(before);
  });

  it("does not open it for longer by a late failure", async () => {
    const rails = await testRails();
    const late = await underWay(rails);
    await opened(rails);
    const before = await breaker(rails);
    rails.clock.advance(MINUTE);
    await late.fail();
    expect(await breaker(rails)).toEqual(before);
  });
});

it("takes an abort of ours for no failure", async () => {
  const rails = await testRails();
  for (let n = 0; n < 6; n++) {
    const stop = new AbortController();
    const call = await underWay(rails, stop.signal);
    stop.abort(new Error("stop"));
    await thrown(call.result);
  }
  expect(await breaker(rails)).toEqual({ state: "closed", failures: 0 });
});

it("tells once that it opened and once that it closed, however often a probe fails in between", async () => {
  const rails = await testRails();
  await opened(rails);
  for (const minutes of [5, 10, 20]) {
    rails.clock.advance(minutes * MINUTE);
    await failing(rails);
  }
  rails.clock.advance(40 * MINUTE);
  await working(rails);
  await working(rails);
  expect((await alerts(rails)).map(({ event, severity }) => [event, severity])).toEqual([
    ["breaker_open", "warn"],
    ["breaker_closed", "info"],
  ]);
  await opened(rails);
  expect(await alerts(rails, "breaker_open")).toHaveLength(2);
});

it("keeps every state as it was written", async () => {
  const rails = await testRails();
  const written: BreakerState[] = [
    { state: "closed", failures: 3 },
    { state: "open", until: 9_000, cooldownMs: 4_000, reason: "broken" },
    { state: "half_open", until: 9_000, cooldownMs: 4_000, probe: "probe" },
    { state: "closed", failures: 0 },
  ];
  let from: BreakerState = { state: "closed", failures: 0 };
  for (const to of written) {
    await rails.store.atomically((trx) =>
      moveBreaker(trx, rails, { name: NAME, from, to, nowMs: rails.clock.nowMs() }),
    );
    expect(await breaker(rails)).toEqual(to);
    from = to;
  }
});
