import fc from "fast-check";
import { expect, test } from "vitest";
import { newestFirst } from "../../../src/jobs/items/order.ts";

const sorted = (dates: (number | null)[]) => newestFirst(dates, (date) => date);

test("newest first; what has no date stays behind the one before it", () => {
  expect(sorted([1, 3, 2])).toEqual([3, 2, 1]);
  expect(sorted([1, null, 3])).toEqual([3, 1, null]);
  expect(sorted([null, 3, 5])).toEqual([5, null, 3]);
});

test("keeps the order of equals, of the undated too, and loses nothing; a second time changes nothing", () => {
  const dated = fc.record({ date: fc.option(fc.integer({ min: 0, max: 3 })), id: fc.integer() });
  fc.assert(
    fc.property(fc.array(dated), (list) => {
      const once = newestFirst(list, ({ date }) => date);
      expect(new Set(once)).toEqual(new Set(list));
      expect(newestFirst(once, ({ date }) => date)).toEqual(once);
      for (const value of [0, 1, 2, 3]) {
        const alike = (all: typeof list) => all.filter(({ date }) => date === value);
        expect(alike(once)).toEqual(alike(list));
      }
      const undated = list.map(({ id }) => ({ date: null, id }));
      expect(newestFirst(undated, ({ date }) => date)).toEqual(undated);
    }),
  );
});
