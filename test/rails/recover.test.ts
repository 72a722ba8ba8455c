import { expect, it } from "vitest";
import { countersAgree } from "../../src/ops/counters.ts";
import { recoverCalls, recoverClientCalls } from "../../src/rails/recover.ts";
import { alerts, counters, ended, entries, reserved, sent, settledAt, testRails } from "../support/rails.ts";

const states = async (rails: Parameters<typeof entries>[0]) =>
  Object.fromEntries((await entries(rails)).map(({ step, state }) => [step, state]));

it("keeps the charge of what a dead runner was sending, and gives back what it had only reserved", async () => {
  const rails = await testRails();
  const id = await sent(rails, 300, { runner: "dead", step: "sending" });
  await reserved(rails, 200, { runner: "dead", step: "reserved" });
  expect(await recoverCalls(rails, "alive")).toEqual({ unknown: 1, released: 1 });
  expect(await states(rails)).toEqual({ sending: "unknown", reserved: "released" });
  expect(await counters(rails, "day")).toEqual({ "2026-11-21": "0/300" });
  expect(await alerts(rails, "call_unknown")).toMatchObject([{ key: `call_unknown:${id}` }]);
  expect(await countersAgree(rails.store.db)).toEqual([]);
});

it("does it once", async () => {
  const rails = await testRails();
  await sent(rails, 300, { runner: "dead" });
  await recoverCalls(rails, "alive");
  expect(await recoverCalls(rails, "alive")).toEqual({ unknown: 0, released: 0 });
  expect(await alerts(rails, "call_unknown")).toHaveLength(1);
});

it("leaves its own calls alone", async () => {
  const rails = await testRails();
  await sent(rails, 300, { runner: "alive", step: "mine" });
  expect(await recoverCalls(rails, "alive")).toEqual({ unknown: 0, released: 0 });
  expect(await states(rails)).toEqual({ mine: "sending" });
});

it("leaves the calls of processes without the lock alone until their deadline", async () => {
  const rails = await testRails();
  await sent(rails, 300, { runner: null, step: "sending", deadlineMs: 60_000 });
  await reserved(rails, 200, { runner: null, step: "reserved", deadlineMs: 60_000 });
  rails.clock.advance(60_000);
  expect(await recoverCalls(rails, "alive")).toEqual({ unknown: 0, released: 0 });
  rails.clock.advance(1);
  expect(await recoverCalls(rails, "alive")).toEqual({ unknown: 1, released: 1 });
  expect(await states(rails)).toEqual({ sending: "unknown", reserved: "released" });
});

it("ends what the clients of a gateway that is gone had under way, and nothing of anybody else", async () => {
  const rails = await testRails();
  const client = { tick: null, job: null, client: "laptop" };
  const run = { tick: null, job: "01", jobName: "digest" };
  await sent(rails, 300, { step: "sending", scope: client });
  await reserved(rails, 200, { step: "reserved", scope: client });
  await sent(rails, 100, { step: "run", scope: run, runner: "alive" });
  await sent(rails, 100, { step: "library" });
  await ended(rails, await sent(rails, 50, { step: "settled", scope: client }), settledAt(20));
  expect(await recoverClientCalls(rails)).toEqual({ unknown: 1, released: 1 });
  expect(await recoverClientCalls(rails)).toEqual({ unknown: 0, released: 0 });
  expect(await states(rails)).toEqual({
    sending: "unknown",
    reserved: "released",
    run: "sending",
    library: "sending",
    settled: "settled",
  });
  expect(await countersAgree(rails.store.db)).toEqual([]);
});

it("takes the cost of a call that was given up for lost and was only slow", async () => {
  const rails = await testRails();
  const id = await sent(rails, 300, { runner: null, deadlineMs: 0 });
  rails.clock.advance(1);
  await recoverCalls(rails, "alive");
  expect(await ended(rails, id, settledAt(120))).toBe(true);
  expect(await counters(rails, "day")).toEqual({ "2026-11-21": "120/0" });
});

it("leaves what has ended alone, however old", async () => {
  const rails = await testRails();
  await ended(rails, await sent(rails, 300, { runner: "dead", step: "settled" }), settledAt(100));
  await ended(rails, await sent(rails, 300, { runner: "dead", step: "unknown" }), {
    state: "unknown",
    error: "x",
  });
  rails.clock.advance(86_400_000);
  expect(await recoverCalls(rails, "alive")).toEqual({ unknown: 0, released: 0 });
  expect(await states(rails)).toEqual({ settled: "settled", unknown: "unknown" });
});
