import { globSync, readFileSync } from "node:fs";
import { defineConfig, mergeConfig } from "vitest/config";
import all from "./vitest.config.ts";

/** What takes a process, a browser, or a machine of its own. */
const FOLDERS = [
  "behaviour",
  "bench",
  "browser",
  "chaos",
  "demo",
  "oracle-cloud",
  "runbook",
  "scenarios",
  "systemd",
];
const TAG = /^\/\/ @module-tag (?:processes|slow)$/m;

/** The tests that need no process: in under a minute. Those of files with the tag `processes` are left out. */
// biome-ignore lint/style/noDefaultExport: vitest loads its configuration by the default export.
export default mergeConfig(
  all,
  defineConfig({
    test: {
      exclude: [
        ...FOLDERS.map((folder) => `test/${folder}/**`),
        ...globSync("test/**/*.test.ts").filter((file) => TAG.test(readFileSync(file, "utf8"))),
      ],
      testTimeout: 20_000,
      hookTimeout: 20_000,
      setupFiles: ["test/support/no-processes.ts"],
    },
  }),
);
