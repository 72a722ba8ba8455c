import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { countersAgree } from "../../src/ops/counters.ts";
import { readBreaker } from "../../src/rails/breaker.ts";
import { CallFailed } from "../../src/rails/call.ts";
import { guard, type Performed } from "../../src/rails/guard.ts";
import { Killed } from "../../src/rails/halt.ts";
import { setKill } from "../../src/rails/kill.ts";
import type { Trx } from "../../src/store/schema.ts";
import {
  alerts,
  besides,
  counters,
  entries,
  guardedCall,
  states,
  testRails,
  thrown,
} from "../support/rails.ts";
import type { RailsOn } from "../support/rails-on.ts";

const PERFORMED: Performed<string> = { costMicros: 400, inputTokens: 7, outputTokens: 3, value: "text" };

const breaker = (rails: RailsOn) => readBreaker(rails.store.db, "model:openai/test");

/** A call to a real server that answers only when it is told to, and says when the request has come and gone. */
async function slowServer() {
  const come = Promise.withResolvers<void>();
  const gone = Promise.withResolvers<void>();
  let requests = 0;
  const server = createServer((_request, response) => {
    requests += 1;
    response.once("close", () => gone.resolve());
    come.resolve();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return {
    come: come.promise,
    gone: gone.promise,
    requests: () => requests,
    perform: async (signal: AbortSignal) => {
      await fetch(url, { signal });
      return PERFORMED;
    },
  };
}

it("gives what was performed, and settles it with its figures", async () => {
  const rails = await testRails();
  const scope = { tick: "tick-1", job: "job-1" };
  const call = guardedCall(rails, {
    scope,
    step: "lead",
    runner: "me",
    requestHash: "abc",
    isDegraded: true,
  });
  expect(await guard(rails, call)).toBe("text");
  expect(await entries(rails)).toMatchObject([
    {
      state: "settled",
      cost_micros: 400,
      input_tokens: 7,
      output_tokens: 3,
      tick: "tick-1",
      job: "job-1",
      step: "lead",
      runner: "me",
      request_hash: "abc",
      degraded: 1,
      error: null,
    },
  ]);
  expect(rails.logged).toMatchObject([{ level: "info", event: "call_done", fields: { costMicros: 400 } }]);
});

it("has the reservation on disk as sending before it performs", async () => {
  const rails = await testRails();
  const other = await besides(rails);
  const seen: unknown[] = [];
  const call = guardedCall(rails, {
    async perform() {
      seen.push(await states(other), await counters(other, "day"));
      return PERFORMED;
    },
  });
  await guard(rails, call);
  expect(seen).toEqual([["sending"], { "2026-11-21": "0/1000" }]);
});

describe("a call that fails", () => {
  const failed = (charge: CallFailed["charge"], trip: CallFailed["trip"]) =>
    new CallFailed("it failed", { charge, trip });

  it.each<[string, Error, string, string, number]>([
    ["cost nothing", failed("none", "count"), "released", "0/0", 1],
    ["may have cost", failed("unknown", "count"), "unknown", "0/1000", 1],
    ["cost nothing and was our fault", failed("none", "none"), "released", "0/0", 0],
    ["nobody can explain", new TypeError("x is not a function"), "unknown", "0/1000", 1],
  ])("and %s", async (_name, error, state, counter, failures) => {
    const rails = await testRails();
    const call = guardedCall(rails, { perform: () => Promise.reject(error) });
    expect(await thrown(guard(rails, call))).toBe(error);
    expect(await entries(rails)).toMatchObject([{ state, cost_micros: null, error: error.message }]);
    expect(await counters(rails, "day")).toEqual({ "2026-11-21": counter });
    expect(await breaker(rails)).toEqual({ state: "closed", failures });
    expect(await alerts(rails, "call_unknown")).toHaveLength(state === "unknown" ? 1 : 0);
    expect(await countersAgree(rails.store.db)).toEqual([]);
  });

  it("and costs nothing whatever came of it asks nobody", async () => {
    const rails = await testRails();
    const perform = () => Promise.reject(failed("unknown", "count"));
    expect(await thrown(guard(rails, guardedCall(rails, { estimateMicros: 0, perform })))).toBeInstanceOf(
      CallFailed,
    );
    expect(await states(rails)).toEqual(["unknown"]);
    expect(await alerts(rails, "call_unknown")).toEqual([]);
  });

  it("after it was billed is settled at its cost, counts as a failure and is not recorded", async () => {
    const rails = await testRails();
    const recorded: string[] = [];
    const failure = failed("unknown", "count");
    const call = guardedCall(rails, {
      perform: async () => ({ ...PERFORMED, failure }),
      record: async (_trx, value) => void recorded.push(value),
    });
    expect(await thrown(guard(rails, call))).toBe(failure);
    expect(await entries(rails)).toMatchObject([{ state: "settled", cost_micros: 400, error: "it failed" }]);
    expect(await breaker(rails)).toEqual({ state: "closed", failures: 1 });
    expect(recorded).toEqual([]);
  });

  it("by a cost that is no number stays charged", async () => {
    const rails = await testRails();
    const call = guardedCall(rails, { perform: async () => ({ ...PERFORMED, costMicros: Number.NaN }) });
    await thrown(guard(rails, call));
    expect(await counters(rails, "day")).toEqual({ "2026-11-21": "0/1000" });
  });
});

describe("a call that cost more than its bound", () => {
  it("is settled in full, alerted, and is the last until a person resumes; its value is given all the same", async () => {
    const rails = await testRails();
    const call = guardedCall(rails, { perform: async () => ({ ...PERFORMED, costMicros: 5_000 }) });
    expect(await guard(rails, call)).toBe("text");
    expect(await counters(rails, "day")).toEqual({ "2026-11-21": "5000/0" });
    expect((await alerts(rails)).map(({ event }) => event)).toEqual(["overrun", "breaker_open"]);
    expect(await breaker(rails)).toEqual({
      state: "blocked",
      since: rails.clock.nowMs(),
      reason: "openai/test billed $0.005 for a call that was bounded by $0.001",
    });
  });

  it("is so although the answer cannot be used either", async () => {
    const rails = await testRails();
    const failure = new CallFailed("cut off", { charge: "unknown", trip: "count" });
    const call = guardedCall(rails, { perform: async () => ({ ...PERFORMED, costMicros: 5_000, failure }) });
    expect(await thrown(guard(rails, call))).toBe(failure);
    expect(await breaker(rails)).toMatchObject({ state: "blocked" });
  });
});

describe("what is recorded", () => {
  const kept = async (rails: RailsOn) =>
    (await rails.store.db.selectFrom("seen").select("key").execute()).map(({ key }) => key);

  it("commits with the settle that paid for it", async () => {
    const rails = await testRails();
    await guard(rails, guardedCall(rails, { record: keep }));
    expect(await kept(rails)).toEqual(["text"]);
    expect(await states(rails)).toEqual(["settled"]);
  });

  it("goes when it cannot be kept, and the money is settled all the same", async () => {
    const rails = await testRails();
    const call = guardedCall(rails, {
      async record(trx, value) {
        await keep(trx, value);
        throw new Error("the lease is lost");
      },
    });
    expect(await thrown(guard(rails, call))).toMatchObject({ message: "the lease is lost" });
    expect(await kept(rails)).toEqual([]);
    expect(await entries(rails)).toMatchObject([{ state: "settled", cost_micros: 400 }]);
    expect(await counters(rails, "day")).toEqual({ "2026-11-21": "400/0" });
    expect(await breaker(rails)).toEqual({ state: "closed", failures: 0 });
  });

  it("sees the entry settled in its own transaction", async () => {
    const rails = await testRails();
    const seen: string[] = [];
    const call = guardedCall(rails, {
      async record(trx) {
        seen.push(...(await trx.selectFrom("ledger").select("state").execute()).map(({ state }) => state));
      },
    });
    await guard(rails, call);
    expect(seen).toEqual(["settled"]);
  });
});

describe("a call in flight", () => {
  it("is aborted by the STOP file, and stays charged", { timeout: 10_000 }, async () => {
    const rails = await testRails();
    const server = await slowServer();
    const call = guard(rails, guardedCall(rails, { perform: server.perform }));
    await server.come;
    writeFileSync(rails.stopFile, "");
    expect(await thrown(call)).toMatchObject({ code: "killed", kill: { by: "file" } });
    await server.gone;
    expect(await entries(rails)).toMatchObject([
      { state: "unknown", error: expect.stringContaining("STOP") },
    ]);
    expect(await breaker(rails)).toEqual({ state: "closed", failures: 0 });
  });

  it("is aborted by the row that another process sets, and nothing is sent after it", {
    timeout: 5_000,
  }, async () => {
    const rails = await testRails();
    const other = await besides(rails);
    const server = await slowServer();
    const call = guard(rails, guardedCall(rails, { perform: server.perform }));
    await server.come;
    await other.store.atomically((trx) =>
      setKill(trx, other.outbox.announce, "too dear", rails.clock.nowMs()),
    );
    expect(await thrown(call)).toMatchObject({ kill: { by: "row", reason: "too dear" } });
    for (const each of [rails, other])
      expect(await thrown(guard(each, guardedCall(each, { perform: server.perform })))).toBeInstanceOf(
        Killed,
      );
    expect(server.requests()).toBe(1);
    expect(await alerts(rails, "kill_set")).toHaveLength(1);
  });

  it("is aborted by its caller, in the caller's words", async () => {
    const rails = await testRails();
    const server = await slowServer();
    const stop = new AbortController();
    const call = guard(rails, guardedCall(rails, { perform: server.perform, signal: stop.signal }));
    await server.come;
    const reason = new Error("the job's time is up");
    stop.abort(reason);
    expect(await thrown(call)).toBe(reason);
    await server.gone;
    expect(await states(rails)).toEqual(["unknown"]);
  });

  it("is free when it was aborted before a connection was made", async () => {
    const rails = await testRails();
    const stop = new AbortController();
    const call = guardedCall(rails, {
      signal: stop.signal,
      async perform() {
        stop.abort(new Error("stop"));
        throw new CallFailed("not connected yet", { charge: "none", trip: "none" });
      },
    });
    await thrown(guard(rails, call));
    expect(await states(rails)).toEqual(["released"]);
  });

  it("that ends well although it was to be aborted is kept", async () => {
    const rails = await testRails();
    const stop = new AbortController();
    const call = guardedCall(rails, {
      signal: stop.signal,
      async perform() {
        stop.abort(new Error("stop"));
        return PERFORMED;
      },
    });
    expect(await guard(rails, call)).toBe("text");
    expect(await states(rails)).toEqual(["settled"]);
  });
});

it("reserves nothing for a caller that is gone already", async () => {
  const rails = await testRails();
  const reason = new Error("gone");
  expect(await thrown(guard(rails, guardedCall(rails, { signal: AbortSignal.abort(reason) })))).toBe(reason);
  rails.watch.trip({ by: "signal", at: 0, reason: "SIGTERM" });
  expect(await thrown(guard(rails, guardedCall(rails)))).toMatchObject({ kill: { by: "signal" } });
  expect(await entries(rails)).toEqual([]);
});

it("gives back what a kill between the gates and the first byte left reserved", async () => {
  const rails = await testRails();
  const { store } = rails;
  let performed = 0;
  const killing: RailsOn = {
    ...rails,
    store: {
      ...store,
      async atomically(work) {
        const result = await store.atomically(work);
        writeFileSync(rails.stopFile, "");
        return result;
      },
    },
  };
  const call = guardedCall(rails, {
    async perform() {
      performed += 1;
      return PERFORMED;
    },
  });
  expect(await thrown(guard(killing, call))).toBeInstanceOf(Killed);
  expect(performed).toBe(0);
  expect(await states(rails)).toEqual(["released"]);
  expect(await counters(rails, "day")).toEqual({ "2026-11-21": "0/0" });
});

/** Leaves a row in a table that has nothing to do with the rails, as a job's step would. */
async function keep(trx: Trx, key: string): Promise<void> {
  await trx.insertInto("seen").values({ job_name: "digest", key, seen_at: 0 }).execute();
}

/** A call under way, which ends when the test says so. */
interface UnderWay {
  end(): void;
  over: Promise<unknown>;
}

/** Starts a call that has passed the gates when this resolves. */
async function underWay(rails: RailsOn, estimateMicros: number, costMicros: number): Promise<UnderWay> {
  const sent = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<void>();
  const over = guard(
    rails,
    guardedCall(rails, {
      estimateMicros,
      async perform() {
        sent.resolve();
        await answer.promise;
        return { ...PERFORMED, costMicros };
      },
    }),
  );
  await sent.promise;
  return { end: answer.resolve, over };
}

it("tells of every threshold that is passed in the end, in whatever order calls begin and end", async () => {
  const warningThresholds = [0.05, 0.1, 0.15, 0.2, 0.25];
  const calls = fc.array(
    fc.record({
      estimate: fc.constantFrom(100, 200, 300),
      // Of the estimate, what it costs.
      share: fc.constantFrom(0, 0.5, 1, 1),
      // How many of the calls under way end before the next begins, and which.
      ends: fc.array(fc.nat(), { maxLength: 3 }),
    }),
    { minLength: 1, maxLength: 6 },
  );
  await fc.assert(
    fc.asyncProperty(calls, async (begun) => {
      const rails = await testRails({ budget: { day_micros: 4_000, warningThresholds } });
      const open: UnderWay[] = [];
      const endOne = async (pick: number) => {
        const [call] = open.splice(pick % open.length, 1);
        call?.end();
        await call?.over;
      };
      for (const { estimate, share, ends } of begun) {
        open.push(await underWay(rails, estimate, estimate * share));
        for (const pick of ends) if (open.length > 0) await endOne(pick);
      }
      while (open.length > 0) await endOne(open.length * 7);
      const ends = await entries(rails);
      const spent = ends.reduce((sum, { cost_micros }) => sum + (cost_micros ?? 0), 0);
      const toldOf = (await alerts(rails)).map(({ threshold }) => threshold);
      for (const threshold of warningThresholds)
        if (spent >= threshold * 4_000) expect(toldOf).toContain(threshold);
      await rails.store.close();
    }),
    { numRuns: 25 },
  );
});
