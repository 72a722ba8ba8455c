import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineConfig } from "vitest/config";

/** The scenarios: real containers on a real engine, which test/support/engine/setup.ts finds or starts. */
// biome-ignore lint/style/noDefaultExport: vitest loads its configuration by the default export.
export default defineConfig({
  test: {
    include: ["test/scenarios/**/*.test.ts"],
    globalSetup: ["test/support/engine/setup.ts"],
    pool: "forks",
    // Two cores are the least that a machine has, and each scenario is several processes.
    maxWorkers: 2,
    env: { NODE_COMPILE_CACHE: join(tmpdir(), "node-compile-cache") },
    // A scenario starts containers, and waits for time-outs of minutes in the worst case.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    // The engine is ended in order, with all that runs in it.
    teardownTimeout: 120_000,
  },
});
