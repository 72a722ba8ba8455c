// @module-tag processes
import { describe, expect, test } from "vitest";
import { containment } from "../../../src/ops/doctor/machine.ts";
import { opsHarness } from "../harness.ts";
import { hostWith, only } from "./harness.ts";

describe("containment", () => {
  async function look(jobs: object[], path = process.env.PATH ?? "") {
    const { config, rails } = await opsHarness();
    const host = hostWith({ environment: { PATH: path } });
    const changed = { ...config, jobs: jobs as typeof config.jobs };
    return only(await containment({ config: changed, clock: rails.clock, host }));
  }

  test("is well where the kernel gives a namespace", async () => {
    expect(await look([{ kind: "exec" }])).toMatchObject({
      result: "ok",
      found: expect.stringContaining("PID namespace of its own"),
    });
  });

  test("by marks alone is told of, with the reason and what to do", async () => {
    const found = await look([{ kind: "exec" }], "/no/such/folder");
    expect(found).toMatchObject({
      result: "warn",
      found: expect.stringContaining("setpriv is not installed"),
      mend: expect.stringContaining("apt-get install util-linux"),
    });
  });

  test("is nobody's worry where no job starts a program", async () => {
    expect(await look([{ kind: "digest" }], "/no/such/folder")).toMatchObject({ result: "ok" });
  });
});
