import { expect, test } from "vitest";
import { siblingScript } from "../../src/lib/sibling-script.ts";

test("is a source beside a source, and JavaScript beside the bundle's files", () => {
  expect(siblingScript("worker", "file:///a/b/guard.ts").href).toBe("file:///a/b/worker.ts");
  expect(siblingScript("worker", "file:///a/dist/guard-X1.js").href).toBe("file:///a/dist/worker.js");
});
