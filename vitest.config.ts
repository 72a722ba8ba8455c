import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Node runs the sources as they are; the tests run what ships.
    pool: "forks",
    // Many tests start real processes, and a shared machine may be slow; none waits this long when all is well.
    testTimeout: 90_000,
    hookTimeout: 90_000,
  },
});
