// @module-tag processes
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { runNode } from "../support/run-node.ts";

const SCRIPT = fileURLToPath(new URL("support/end-threads.ts", import.meta.url));

it("a thread that is told to end while it starts does not take the process with it, and a deaf one is terminated", async () => {
  const { code, stdout, stderr } = await runNode(SCRIPT, []);
  expect(code, stderr).toBe(0);
  expect(stdout.trim()).toBe("-1");
}, 60_000);
