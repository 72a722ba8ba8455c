// @module-tag processes
// @module-tag slow
import { describe, expect, it } from "vitest";
import type { MachineStatus } from "../../../src/ops/fleet.ts";
import { deployment } from "../../support/afk.ts";
import { postgresProblem } from "../../support/postgres/binaries.ts";
import { freshDatabase } from "../../support/postgres/shared.ts";
import { afk, tick } from "./in-process.ts";

const AGENT = {
  agent: "several",
  budget: { daily_cap_usd: 1 },
  models: { chain: ["extractive"] },
  jobs: [{ name: "digest", kind: "digest", every: "1d", sources: [{ folder: "./inbox" }] }],
};

describe("afk machines", () => {
  it("says that there is one machine, and why, where the state is a file", async () => {
    const target = deployment(AGENT);
    const { code, stdout } = await afk(target, "machines");
    expect(code).toBe(0);
    expect(stdout).toContain(`one machine: the state is ${target.state}/afk.db`);
    const json = await afk(target, "machines", "--json");
    expect(JSON.parse(json.stdout)).toEqual({ isFleet: false, machines: [] });
  });

  const problem = postgresProblem();
  const skipped = problem === null ? "" : ` -- skipped: ${problem}`;
  it.skipIf(problem !== null)(`shows every machine that has taken part, to each${skipped}`, async () => {
    const url = await freshDatabase();
    const [one, two] = [1, 2].map(() => deployment({ ...AGENT, database: { url } }));
    for (const each of [one, two]) each?.write("inbox/note.md", "# A note\n\nThe harbour was repaired.\n");
    expect((await afk(one!, "machines")).stdout).toContain("no machine has taken part yet");
    for (const each of [one, two]) await tick(each!);
    for (const each of [one, two]) {
      const { stdout } = await afk(each!, "machines", "--json");
      const { isFleet, machines } = JSON.parse(stdout) as { isFleet: boolean; machines: MachineStatus[] };
      expect(isFleet).toBe(true);
      expect(machines.map(({ lease }) => lease.state)).toEqual(["ended", "ended"]);
      expect(new Set(machines.map(({ id }) => id)).size).toBe(2);
      const { stdout: text } = await afk(each!, "status");
      expect(text).toMatch(/^machines +none at work: afk machines$/m);
      // What was due once was done once, by the first.
      expect(text).toMatch(/^queue +0 ready, 0 running, 1 done/m);
    }
  });
});
