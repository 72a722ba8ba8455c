import { expect, it } from "vitest";
import { countersAgree } from "../../src/ops/counters.ts";
import { reconcile } from "../../src/rails/reconcile.ts";
import {
  alerts,
  counters,
  ended,
  entries,
  RELEASED,
  refusedBy,
  reserved,
  sent,
  settledAt,
  spend,
  testRails,
  thrown,
  UNKNOWN,
} from "../support/rails.ts";

async function unknown(micros = 600) {
  const rails = await testRails({ budget: { day_micros: 1_000, month_micros: 5_000 } });
  const id = await sent(rails, micros, { scope: { tick: "t", job: "j" } });
  await ended(rails, id, UNKNOWN);
  return { rails, id };
}

it.each([0, 250, 600])("puts a cost of %i micro-dollars in the place of the worst case", async (micros) => {
  const { rails, id } = await unknown();
  await reconcile(rails, id, micros);
  expect(await counters(rails, "day")).toEqual({ "2026-11-21": `${micros}/0` });
  expect(await counters(rails, "tick")).toEqual({ t: `${micros}/0` });
  expect(await entries(rails)).toMatchObject([
    { state: "settled", cost_micros: micros, error: "reconciled by hand" },
  ]);
  expect(await refusedBy(rails, 1_000 - micros)).toBe(null);
  expect(await countersAgree(rails.store.db)).toEqual([]);
});

it("counts in the periods of the call, and not in those of the day when a person finds the time", async () => {
  const { rails, id } = await unknown();
  rails.clock.advance(3 * 86_400_000);
  await reconcile(rails, id, 100);
  expect(await counters(rails, "day")).toEqual({ "2026-11-21": "100/0" });
  expect(await countersAgree(rails.store.db)).toEqual([]);
});

it("records more than the estimate in full and tells of it", async () => {
  const { rails, id } = await unknown();
  await reconcile(rails, id, 9_000);
  expect(await counters(rails, "day")).toEqual({ "2026-11-21": "9000/0" });
  expect(await alerts(rails, "overrun")).toHaveLength(1);
  expect(await refusedBy(rails, 0)).toBe("day");
});

it("takes once what a person says, and a late settle does not change it", async () => {
  const { rails, id } = await unknown();
  await reconcile(rails, id, 100);
  expect(await thrown(reconcile(rails, id, 0))).toMatchObject({
    code: "not_unknown",
    retry: "never",
    exitCode: 2,
  });
  for (const ending of [settledAt(600), UNKNOWN, RELEASED])
    expect(await ended(rails, id, ending)).toBe(false);
  expect(await counters(rails, "day")).toEqual({ "2026-11-21": "100/0" });
});

it("refuses every entry but an unknown one", async () => {
  const rails = await testRails();
  const released = await reserved(rails, 10);
  await ended(rails, released, RELEASED);
  const others = [
    await reserved(rails, 10),
    await sent(rails, 10),
    await spend(rails, 10),
    released,
    "no-such-id",
  ];
  const before = await entries(rails);
  for (const id of others)
    expect(await thrown(reconcile(rails, id, 0))).toMatchObject({ code: "not_unknown", exitCode: 2 });
  expect(await entries(rails)).toEqual(before);
});

it.each([-1, Number.NaN])("refuses a cost of %d", async (micros) => {
  const { rails, id } = await unknown();
  await expect(reconcile(rails, id, micros)).rejects.toThrow();
  expect(await entries(rails)).toMatchObject([{ state: "unknown" }]);
  expect(await counters(rails, "day")).toEqual({ "2026-11-21": "0/600" });
});
