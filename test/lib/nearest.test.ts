import { describe, expect, it } from "vitest";
import { didYouMean, nearest } from "../../src/lib/nearest.ts";

describe("nearest", () => {
  it.each([
    ["statsu", "status"],
    ["enqeue", "enqueue"],
    ["Status", "status"],
    ["max-items", "max_items"],
    ["stat", "status"],
    ["rn", "run"],
  ])("takes %s for %s", (word, meant) => {
    expect(nearest(word, ["tick", "run", "status", "enqueue", "max_items"])).toBe(meant);
  });

  it("prefers the fewest edits", () => {
    expect(nearest("envfile", ["env", "env_file"])).toBe("env_file");
    expect(nearest("lost", ["most", "list", "lost"])).toBe("lost");
  });

  it.each(["wibble", "", "x"])("takes %j for nothing", (word) => {
    expect(nearest(word, ["tick", "status", "enqueue"])).toBeNull();
  });

  it("knows nothing among no candidates", () => {
    expect(nearest("tick", [])).toBeNull();
  });

  it("compares only the beginning of very long words", () => {
    expect(nearest("a".repeat(100_000), ["status", "b".repeat(100_000)])).toBeNull();
  });
});

it("suggests the nearest name, or says what there is", () => {
  expect(didYouMean("digset", ["digest", "exec"])).toBe("Did you mean digest?");
  expect(didYouMean("x", ["digest", "exec"])).toBe("There are: digest, exec.");
  expect(didYouMean("x", [])).toBe("There are: none.");
});
