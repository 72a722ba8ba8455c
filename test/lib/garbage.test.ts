import { expect, test } from "vitest";
import { collectGarbage } from "../../src/lib/garbage.ts";

test("what nobody uses is gone after it, and what somebody uses is not", async () => {
  const used = { text: "used" };
  const refs = [new WeakRef(used), new WeakRef({ text: "left behind" })];
  // What is looked at or made in one turn of the event loop is kept until its end.
  await new Promise((resolve) => setImmediate(resolve));
  collectGarbage();
  expect(refs.map((ref) => ref.deref()?.text)).toEqual([used.text, undefined]);
  expect(globalThis).not.toHaveProperty("gc");
});
