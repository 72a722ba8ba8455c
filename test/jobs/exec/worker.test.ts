// @module-tag processes
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Deployment, deployment } from "../../support/afk.ts";
import { harness, until } from "../containment/harness.ts";

/** A deployment whose only job is this command, run in the folder of a harness, which has the scripts. */
function deploy(command: string[], job: object = {}): { at: ReturnType<typeof harness>; target: Deployment } {
  const at = harness();
  const target = deployment({
    agent: "test-agent",
    budget: { daily_cap_usd: 0 },
    models: { chain: ["extractive"] },
    jobs: [{ name: "work", kind: "exec", every: "1d", command, cwd: at.dir, ...job }],
  });
  return { at, target };
}

const LEAVES_DAEMONS = [
  "sh",
  "-c",
  `[ -e second ] && exit 0; ${process.execPath} daemon.mjs AFK_EXEC; ${process.execPath} daemon.mjs; sh linger.sh`,
];

describe("a worker that is killed at work takes the command and its daemons with it,", () => {
  test("and the job runs again", async () => {
    const { at, target } = deploy(LEAVES_DAEMONS);
    const running = target.start(["tick"]);
    await at.lingering(3);
    running.kill("SIGKILL");
    expect(await running.ended).toMatchObject({ signal: "SIGKILL" });
    await until(() => at.alive().length === 0);

    writeFileSync(join(at.dir, "second"), "");
    expect(await target.afk(["tick"])).toMatchObject({ code: 0 });
    expect(target.query("select state, attempts from jobs")).toEqual([{ state: "done", attempts: 2 }]);
  });

  test("also while it starts the command", async () => {
    const { at, target } = deploy(["sh", "linger.sh"]);
    const running = target.start(["tick"]);
    await running.logged("job_started");
    running.kill("SIGKILL");
    await running.ended;
    await until(() => at.alive().length === 0);
  });
});

test("the kill switch ends it, and the job is ready again", async () => {
  const { at, target } = deploy(LEAVES_DAEMONS);
  const running = target.start(["tick"]);
  await at.lingering(3);
  target.write("state/STOP", "");
  expect(await running.ended).toMatchObject({ code: 0 });
  await until(() => at.alive().length === 0);
  expect(target.query("select state, attempts from jobs")).toEqual([{ state: "ready", attempts: 0 }]);
});

test("the time limit ends it", async () => {
  const { at, target } = deploy(LEAVES_DAEMONS, { timeout: "2s", retry: { attempts: 1 } });
  const ended = await target.afk(["tick"]);
  expect(ended.code).toBe(1);
  await until(() => at.alive().length === 0);
  expect(target.query<{ error: string }>("select error from dead_letters")).toEqual([
    { error: expect.stringContaining("longer than its limit of 2 s") },
  ]);
});

test("what it publishes is in out/, and the log has its sizes alone", async () => {
  const { target } = deploy(["sh", "-c", "cat; echo $GREETING"], {
    publish: true,
    units: 2,
    env: { GREETING: "hello there" },
  });
  expect(await target.afk(["tick"])).toMatchObject({ code: 0 });
  expect(Object.entries(target.outputs())).toEqual([
    [expect.stringMatching(/^work-[\d-]+.*\.txt$/), "nullhello there\n"],
  ]);
  expect(target.logs().filter(({ event }) => event === "exec_ended")).toMatchObject([{ stdoutBytes: 16 }]);
  expect(JSON.stringify(target.logs())).not.toContain("hello there");
});
