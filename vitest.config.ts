import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Node runs the sources as they are; the tests run what ships.
    pool: "forks",
    testTimeout: 20_000,
    hookTimeout: 30_000,
  },
});
