import { afterAll, beforeAll, describe, type ExpectStatic, it } from "vitest";
import { docker, say } from "../support/engine/command.ts";
import { REQUEST_FILE } from "../support/engine/model/state.ts";
import { behave } from "../support/engine/model.ts";
import { calledTimes, lastByteAt, trafficOf } from "./support/books.ts";
import { type Deployment, deploy } from "./support/deployment.ts";
import { digestConfig } from "./support/digest.ts";
import { startWatchman, type Watchman } from "./support/watchman.ts";
import type { Worker } from "./support/worker.ts";
import { BLOCKED, PRELOAD, preload, STUBBORN_COMMAND } from "./support/wrecks.ts";
import { eventually } from "./systemd/eventually.ts";

/**
 * Each way to kill against each kind of worker. Afterwards there is no container that runs, no process, and no byte has
 * reached the model later than the bound after the kill was acknowledged; what is durable outlives a restart.
 */
interface Way {
  name: string;
  kill(agent: Deployment, worker: Worker): Promise<unknown>;
  /** Acknowledged once it returns; the others are counted from when they are asked for. */
  durable?: "file" | "row";
}

const KILLS: Way[] = [
  { name: "the STOP file", durable: "file", kill: ({ sh }) => sh("touch /data/STOP; sync /data/STOP") },
  { name: "afk stop", durable: "row", kill: (agent) => mustStop(agent) },
  { name: "docker stop", kill: (_agent, { id }) => docker(["stop", "--time", "10", id]) },
  { name: "docker kill", kill: (_agent, { id }) => docker(["kill", id]) },
];

interface Kind {
  name: string;
  /** Gives the worker once it is in the state that its name says. */
  start(agent: Deployment): Promise<Worker>;
  /** By when the worker is gone, with as much again for a machine that is busy with other tests. */
  boundMs: number;
}

const GRACE_MS = 10_000;
const SLACK_MS = 10_000;

const KINDS: Kind[] = [
  { name: "a worker in mid-reply", start: inMidReply, boundMs: SLACK_MS },
  { name: "a worker whose event loop stands still", start: blocked, boundMs: GRACE_MS + SLACK_MS },
  { name: "a job that ignores signals, and its child", start: stubborn, boundMs: GRACE_MS + SLACK_MS },
];

let watchman: Watchman;
beforeAll(async () => {
  watchman = await startWatchman();
});
afterAll(() => watchman?.stop());

describe.concurrent.each(KILLS)("$name", (way) => {
  it.for(KINDS)("ends $name", async (kind, { expect, ...context }) => {
    const agent = await deploy(context);
    const worker = await kind.start(agent);
    const before = await watchman.processesOf(worker.id);
    // The init, afk itself, and what its job has started.
    expect(before.length).toBeGreaterThanOrEqual(2);

    const asked = await watchman.nowMs();
    await way.kill(agent, worker);
    const from = way.durable === undefined ? asked : await watchman.nowMs();
    const exitCode = await worker.ended(kind.boundMs);
    const tookMs = (await watchman.nowMs()) - from;
    expect(await watchman.processesOf(worker.id)).toEqual([]);

    const lastByteMs = (await lastByteAt(agent)) - from;
    say(
      `  ${way.name}, ${kind.name}: ${before.length} processes gone after ${tookMs} ms (exit ${exitCode}), last byte to the model after ${lastByteMs} ms`,
    );
    expect(lastByteMs).toBeLessThan(kind.boundMs);
    if (way.durable !== undefined) await expectDeadForGood(expect, agent, worker, way.durable);
  });
});

/** Started again it ends by itself, without a byte to the model, and says why. */
async function expectDeadForGood(
  expect: ExpectStatic,
  agent: Deployment,
  worker: Worker,
  by: "file" | "row",
): Promise<void> {
  const bytes = await trafficOf(agent);
  await agent.sh(`rm -f ${BLOCKED.trigger}`);
  await worker.again();
  const exitCode = await worker.ended();
  // A worker that ends otherwise has said why, and its container is gone after the test.
  expect(exitCode, (await worker.logs()).slice(-4_000)).toBe(0);
  expect(await worker.logs()).toContain('"kill_seen"');
  expect(await trafficOf(agent)).toBe(bytes);
  const { killed } = await agent.ask<{ killed: { by: string } | null }>(["status"]);
  expect(killed?.by).toBe(by);
}

async function inMidReply(agent: Deployment): Promise<Worker> {
  await agent.configure(digestConfig());
  await agent.fillInbox(4);
  await agent.sh(preload(BLOCKED));
  // Twenty seconds for a reply.
  await behave(agent.model.inModel, {
    otherwise: { type: "slow", text: "word ".repeat(400), everyMs: 50 },
  });
  const worker = await agent.start(["run"], { env: PRELOAD });
  await calledTimes(agent, 1);
  return worker;
}

async function blocked(agent: Deployment): Promise<Worker> {
  const worker = await inMidReply(agent);
  await agent.sh(`touch ${BLOCKED.trigger}`);
  await eventually("the event loop stands still", async () => (await worker.logs()).includes("stands still"));
  return worker;
}

async function stubborn(agent: Deployment): Promise<Worker> {
  const job = { name: "stubborn", kind: "exec", every: "1h", command: STUBBORN_COMMAND };
  await agent.configure({ ...digestConfig(), jobs: [job] });
  const worker = await agent.start(["run"]);
  await eventually("both call the model", async () => {
    const asked = await agent.model.inModel(["sh", "-c", `cat ${REQUEST_FILE} || true`]);
    return asked.includes("/from-the-parent") && asked.includes("/from-the-child");
  });
  return worker;
}

async function mustStop(agent: Deployment): Promise<void> {
  const { code, stderr } = await agent.run(["stop"]);
  // 75: stopped, and the worker was still there when the command had waited for it.
  if (code !== 0 && code !== 75) throw new Error(`afk stop ended with ${code}: ${stderr}`);
}
