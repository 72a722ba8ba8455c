import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // The one need a container engine, the others are large; vitest.scenarios.config.ts and vitest.clients.config.ts run them.
    exclude: ["test/scenarios/**", "test/gateway/clients/large.test.ts"],
    // Node runs the sources as they are; the tests run what ships.
    // Said at the top of a file; `npm run test:fast` leaves both out.
    tags: [
      { name: "processes", description: "It starts a process or a thread." },
      { name: "slow", description: "It takes seconds." },
    ],
    pool: "forks",
    // No test replaces a module, so files may share a process; a process each would take a third of the time.
    isolate: false,
    maxWorkers: availableParallelism(),
    // Sources are compiled once for all the processes that tests start.
    env: { NODE_COMPILE_CACHE: join(tmpdir(), "node-compile-cache") },
    // Many tests start real processes, and a shared machine may be slow; none waits this long when all is well.
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
});
