import { defineConfig } from "vitest/config";
import all from "./vitest.config.ts";

/** The real clients at the gateway, small and large; test/support/run-clients.ts runs them where there is only a loopback. */
// biome-ignore lint/style/noDefaultExport: vitest loads its configuration by the default export.
export default defineConfig({
  test: {
    include: ["test/gateway/clients/**/*.test.ts"],
    tags: all.test?.tags ?? [],
    pool: "forks",
    // One at a time, since seconds are measured.
    maxWorkers: 1,
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
});
