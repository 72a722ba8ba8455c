import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { writeScratchConfig } from "../../src/simulate/scratch-config.ts";
import { tempDir } from "../support/temp.ts";

it("runs no program of a coding agent's, and keeps when the job runs", () => {
  const dir = tempDir();
  const file = join(dir, "real.yaml");
  const agent = { name: "fix", kind: "agent", every: "1d", command: ["claude"], prompt: "x", repo: "." };
  writeFileSync(file, JSON.stringify({ agent: "a", jobs: [agent] }));
  const { configFile } = writeScratchConfig(file, dir, ["agent", "digest", "exec"]);
  expect(JSON.parse(readFileSync(configFile, "utf8")).jobs).toEqual([
    { name: "fix", kind: "exec", every: "1d", command: ["true"] },
  ]);
});
