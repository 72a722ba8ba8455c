import { describe, expect, it } from "vitest";
import { processEnvironment, readVariable } from "../../src/config/environment.ts";

describe("processEnvironment", () => {
  it("is a copy, which later changes do not reach", () => {
    const environment = processEnvironment();
    expect(environment.PATH).toBe(process.env.PATH);
    process.env.AFK_TEST_LATER = "1";
    expect(environment.AFK_TEST_LATER).toBeUndefined();
    delete process.env.AFK_TEST_LATER;
  });
});

describe("readVariable", () => {
  it("takes the empty text for unset", () => {
    expect(readVariable({ A: "" }, "A")).toEqual({ state: "unset" });
    expect(readVariable({ A: "1" }, "A")).toEqual({ state: "set", value: "1" });
  });

  it("reads a file that has no size of its own", () => {
    expect(readVariable({ A_FILE: "/dev/null" }, "A")).toEqual({
      state: "broken",
      problem: "A_FILE names /dev/null, which is empty",
    });
    expect(readVariable({ A_FILE: "/dev/zero" }, "A")).toMatchObject({
      problem: "A_FILE names /dev/zero, which is larger than 64 KiB",
    });
  });
});
