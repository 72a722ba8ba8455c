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
    return [await containment({ config: changed, clock: rails.clock, host })].flat();
  }

  test("is well where the kernel gives a namespace", async () => {
    expect(only(await look([{ kind: "exec" }]))).toMatchObject({
      result: "ok",
      found: expect.stringContaining("PID namespace of its own"),
    });
  });

  test("by marks alone is told of, with the reason and what to do", async () => {
    const found = only(await look([{ kind: "exec" }], "/no/such/folder"));
    expect(found).toMatchObject({
      result: "warn",
      found: expect.stringContaining("setpriv is not installed"),
      mend: expect.stringContaining("apt-get install util-linux"),
    });
  });

  test("names the jobs whose network is kept by the kernel, or by agreement only", async () => {
    const jobs = [
      { name: "fix", kind: "agent", settings: { network: "gateway" } },
      { name: "script", kind: "exec", settings: { network: "open" } },
    ];
    expect((await look(jobs))[1]).toMatchObject({
      result: "ok",
      found: expect.stringContaining("programs of fix have a network of their own"),
    });
    expect((await look(jobs, "/no/such/folder"))[1]).toMatchObject({
      result: "warn",
      found: expect.stringMatching(/the network of fix is by agreement only: .*\(setpriv is not installed/),
      mend: expect.stringContaining("docs/containment.md"),
    });
    expect(await look(jobs.slice(1), "/no/such/folder")).toHaveLength(1);
  });

  test.each([
    { kind: "digest", settings: { sources: [{ command: ["df"], env: {} }] } },
    { kind: "digest", settings: { sources: [{ log: { journal: "*" } }] } },
    { kind: "digest", settings: { sources: [] }, onlyIf: { type: "command", command: ["true"] } },
  ])("is told of where a source or a look starts a program", async (job) => {
    expect(only(await look([job], "/no/such/folder"))).toMatchObject({ result: "warn" });
  });

  test("is nobody's worry where no job starts a program", async () => {
    expect(only(await look([{ kind: "digest" }], "/no/such/folder"))).toMatchObject({ result: "ok" });
  });
});
