import { expect, it } from "vitest";
import { createTurns, TooManyWaiting } from "../../src/providers/serial.ts";

const never = new AbortController().signal;
const turnOver = () => new Promise<void>((resolve) => setImmediate(resolve));

it("runs the calls to one provider one at a time, in the order they came", async () => {
  const turns = createTurns();
  const seen: string[] = [];
  const call = (name: string) => async () => {
    seen.push(`${name} starts`);
    await turnOver();
    seen.push(`${name} ends`);
    return name;
  };
  const results = await Promise.all(["a", "b", "c"].map((name) => turns.run("ollama", never, call(name))));
  expect(results).toEqual(["a", "b", "c"]);
  expect(seen).toEqual(["a starts", "a ends", "b starts", "b ends", "c starts", "c ends"]);
});

it("does not make one provider wait for another", async () => {
  const turns = createTurns();
  const held = Promise.withResolvers<void>();
  const first = turns.run("ollama", never, () => held.promise);
  expect(await turns.run("openai", never, async () => "done")).toBe("done");
  held.resolve();
  await first;
});

it("goes on after a call that failed", async () => {
  const turns = createTurns();
  const failing = turns.run("ollama", never, () => Promise.reject(new Error("broken")));
  const next = turns.run("ollama", never, async () => "done");
  await expect(failing).rejects.toThrow("broken");
  expect(await next).toBe("done");
});

it("lets a waiter leave when its signal aborts, and never runs its call", async () => {
  const turns = createTurns();
  const held = Promise.withResolvers<void>();
  const stop = new AbortController();
  const ran: string[] = [];
  const first = turns.run("ollama", never, () => held.promise);
  const leaver = turns.run("ollama", stop.signal, async () => void ran.push("leaver"));
  const last = turns.run("ollama", never, async () => void ran.push("last"));
  stop.abort(new Error("killed"));
  await expect(leaver).rejects.toThrow("killed");
  expect(ran).toEqual([]);
  held.resolve();
  await Promise.all([first, last]);
  expect(ran).toEqual(["last"]);
});

it("refuses a signal that was aborted before, without taking a turn", async () => {
  const turns = createTurns();
  await expect(turns.run("ollama", AbortSignal.abort(new Error("killed")), async () => 1)).rejects.toThrow(
    "killed",
  );
  expect(await turns.run("ollama", never, async () => 2)).toBe(2);
});

it("holds to its turn when the signal aborts while its call runs", async () => {
  const turns = createTurns();
  const held = Promise.withResolvers<void>();
  const stop = new AbortController();
  const first = turns.run("ollama", never, turnOver);
  const second = turns.run("ollama", stop.signal, () => held.promise);
  const ran: string[] = [];
  const third = turns.run("ollama", never, async () => void ran.push("third"));
  await first;
  await turnOver();
  stop.abort();
  await turnOver();
  expect(ran).toEqual([]);
  held.resolve();
  await Promise.all([second, third]);
  expect(ran).toEqual(["third"]);
});

it("refuses more waiters than its bound", async () => {
  const turns = createTurns(2);
  const held = Promise.withResolvers<void>();
  const calls = [1, 2, 3].map(() => turns.run("ollama", never, () => held.promise));
  await expect(turns.run("ollama", never, () => held.promise)).rejects.toBeInstanceOf(TooManyWaiting);
  held.resolve();
  await Promise.all(calls);
  expect(await turns.run("ollama", never, async () => "free again")).toBe("free again");
});
