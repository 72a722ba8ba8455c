// @module-tag processes
// @module-tag slow
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { StopReport } from "../../src/ops/stop-agent.ts";
import { type Deployment, deployment, digestConfig, fillInbox, ollama } from "../support/afk.ts";
import { postgresProblem } from "../support/postgres/binaries.ts";
import { startProxy } from "../support/postgres/proxy.ts";
import { forTest, freshDatabase, sharedPostgres } from "../support/postgres/shared.ts";

import { planted } from "./support/plant.ts";

const problem = postgresProblem();
const skipped = problem === null ? "" : ` -- skipped: ${problem}`;

describe.skipIf(problem !== null)(`afk stop in a fleet${skipped}`, { timeout: 180_000 }, () => {
  test("ends the workers of all machines in the middle of a call, and names them as having seen it", async () => {
    const { one, two } = await atWork();
    const { code, report } = await stop(one);
    expect(report).toMatchObject({ by: "row", worker: { isGone: true } });
    expect(states(report)).toEqual(new Map([one, two].map(({ id }) => [id(), true])));
    expect(code).toBe(0);
    for (const { worker } of [one, two]) expect((await worker.ended).code).toBe(0);
    // Nobody is at work any more, and those who were are not named again.
    expect((await stop(two)).report).toMatchObject({ wasSet: true, machines: [] });
  });

  test("names a machine that does not look, and says how it is stopped", async () => {
    const { one, two } = await atWork();
    two.worker.kill("SIGSTOP");
    const { code, stdout } = await one.target.afk(["stop"], one.environment);
    expect(stdout).toMatch(new RegExp(`^seen by .*${one.id().slice(-4)}`, "m"));
    expect(stdout).toMatch(new RegExp(`^NOT seen by .*${two.id().slice(-4)}`, "m"));
    expect(stdout).toContain("stop them there: the STOP file, docker kill, or their power");
    expect(code).toBe(75);
    two.worker.kill("SIGCONT");
    await two.worker.ended;
    const again = await stop(one);
    expect(again.report.machines?.filter(({ state }) => state === "unseen")).toEqual([]);
  });

  test("would name it as having seen the switch, if a lease were enough for that", async () => {
    const { one, two } = await atWork();
    two.worker.kill("SIGSTOP");
    const fault = {
      file: "ops/stop-fleet.ts",
      text: 'lookedAt >= sinceMs ? "seen" : "unseen"',
      fault: '"seen"',
    };
    const environment = { ...one.environment, ...planted([fault]) };
    const { code, stdout } = await one.target.afk(["stop"], environment);
    expect(stdout).toMatch(new RegExp(`^seen by .*${two.id().slice(-4)}`, "m"));
    expect(code).toBe(0);
    two.worker.kill("SIGCONT");
    await two.worker.ended;
  });

  test("says that only this machine was stopped where it cannot reach the database", async () => {
    const { one, two, proxy } = await atWork();
    proxy.refuse(true);
    proxy.cutAll();
    const { code, stdout } = await one.target.afk(["stop"], one.environment);
    expect(stdout).toMatch(/^stopped \(file\)/m);
    expect(stdout).toContain("ONLY THIS MACHINE was stopped");
    expect(code).toBe(69);
    await one.worker.ended;
    const rest = await stop(two);
    expect(rest.report.worker).toMatchObject({ wasAtWork: true, isGone: true });
    expect(rest.report.isHereAlone).toBeUndefined();
  });

  test("confirms no machine where the database is gone once the switch is set", async () => {
    const { two, direct } = await atWork();
    const proxy = await forTest(startProxy(await sharedPostgres()));
    const { happened } = proxy.dropAnswerOf(/^select \* from "machines" order by/);
    const stopping = stop({ ...two, environment: { DATABASE_URL: proxy.url(direct) } });
    await happened;
    proxy.refuse(true);
    proxy.cutAll();
    const { code, report } = await stopping;
    expect(report).toMatchObject({ by: "row", machines: null, worker: { isGone: true } });
    expect(code).toBe(75);
  });

  test("waits for nobody where it ends with the worker of its own container, and says so", async () => {
    const { one } = await atWork();
    const inside = {
      file: "ops/stop-agent.ts",
      text: "process.ppid === 0 && process.pid !== 1",
      fault: "true",
    };
    const { code, stdout } = await one.target.afk(["stop"], { ...one.environment, ...planted([inside]) });
    expect(stdout).toContain("which machines have seen it is not known here: afk machines");
    expect(code).toBe(0);
    await one.worker.ended;
  });
});

interface Member {
  target: Deployment;
  environment: Record<string, string>;
  worker: ReturnType<Deployment["start"]>;
  id(): string;
}

/** Two machines on one database, the first through a network that fails when told to; one of them is in the middle of a call. */
async function atWork() {
  const server = await ollama([], { type: "slow", text: "word ".repeat(1_200), everyMs: 50 });
  const direct = await freshDatabase();
  const proxy = await forTest(startProxy(await sharedPostgres()));
  const member = async (url: string): Promise<Member> => {
    const target = deployment(digestConfig(server.url, { models: { timeout: "90s" } }));
    fillInbox(target, 2);
    const environment = { DATABASE_URL: url };
    const worker = target.start(["run"], environment);
    await worker.logged("machine_joined");
    const id = () => JSON.parse(readFileSync(join(target.state, "machine.json"), "utf8")).id as string;
    return { target, environment, worker, id };
  };
  const one = await member(proxy.url(direct));
  const two = await member(direct);
  await expect.poll(() => server.requests.length, { timeout: 30_000 }).toBe(1);
  return { one, two, proxy, direct };
}

async function stop({
  target,
  environment,
}: Pick<Member, "target" | "environment">): Promise<{ code: number | null; report: StopReport }> {
  const { code, stdout } = await target.afk(["stop", "--json"], environment);
  return { code, report: JSON.parse(stdout) as StopReport };
}

/** Whether each has seen it. */
function states({ machines }: StopReport): Map<string, boolean> {
  return new Map(machines?.map(({ id, state }) => [id, state === "seen" || state === "ended"]));
}
