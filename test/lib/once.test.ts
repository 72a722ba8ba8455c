import { expect, it } from "vitest";
import { once } from "../../src/lib/once.ts";

it("makes nothing before it is asked, and then the same for everybody", () => {
  let made = 0;
  const list = once(() => {
    made += 1;
    return [made];
  });
  expect(made).toBe(0);
  expect(list()).toEqual([1]);
  expect(list()).toBe(list());
});

it("keeps nothing that is undefined for something not yet made", () => {
  let made = 0;
  const nothing = once(() => {
    made += 1;
  });
  nothing();
  nothing();
  expect(made).toBe(1);
});

it("tries again what threw", () => {
  let tries = 0;
  const second = once(() => {
    tries += 1;
    if (tries === 1) throw new Error("not yet");
    return tries;
  });
  expect(second).toThrow("not yet");
  expect(second()).toBe(2);
});
