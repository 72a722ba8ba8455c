import { afterAll, beforeAll, describe, inject, it } from "vitest";
import { docker, say } from "../support/engine/command.ts";
import { behave } from "../support/engine/model.ts";
import { startVm, type Vm } from "../support/engine/vm.ts";
import {
  type Audited,
  calledTimes,
  digestIsThere,
  digestsOf,
  expectBooksRight,
  itemsNotOnce,
} from "./support/books.ts";
import { deploy } from "./support/deployment.ts";
import { digestConfig } from "./support/digest.ts";
import { agentInVm } from "./support/in-vm.ts";
import { EATING, EATING_COMMAND, PRELOAD, preload } from "./support/wrecks.ts";

/** Whatever ends a worker in mid-digest: once it is started again the digest is complete, and each call is bought once. */
const ITEMS = 4;
const STALL = { type: "stall", pieces: 2 } as const;
const TWO_STALLS = { next: [{ type: "reply" } as const, STALL, { type: "reply" } as const, STALL] };

describe.concurrent("a worker that dies in mid-digest", () => {
  it("finishes after docker kill, twice, and buys nothing twice", async ({ expect, ...context }) => {
    const agent = await deploy(context);
    await agent.configure(digestConfig());
    await agent.fillInbox(ITEMS);
    await behave(agent.model.inModel, TWO_STALLS);
    const worker = await agent.start(["run"]);
    for (const calls of [2, 4]) {
      await calledTimes(agent, calls);
      await docker(["kill", worker.id]);
      expect(await worker.ended()).toBe(137);
      await worker.again();
    }
    await digestIsThere(agent);
    expect(await complete(agent)).toEqual(COMPLETE);
    const books = await expectBooksRight(agent);
    expect(books.unknown).toBe(2);
    say(`  docker kill, twice: ${JSON.stringify(books)}`);
  });

  it("finishes after the kernel has killed it for its memory", async ({ expect, ...context }) => {
    const agent = await deploy(context);
    await agent.configure(digestConfig());
    await agent.fillInbox(ITEMS);
    await agent.sh(preload(EATING));
    await behave(agent.model.inModel, { next: [{ type: "reply" }, STALL] });
    const worker = await agent.start(["run"], { env: PRELOAD, memory: "256m" });
    await calledTimes(agent, 2);
    await agent.sh(`touch ${EATING.trigger}`);
    expect(await worker.ended()).toBe(137);
    // Not by the wedge guard, which would have ended it too, later. Not every engine says that it was the kernel.
    expect(await agent.sh("cat /data/logs/*")).not.toContain('"wedged"');
    await agent.sh(`rm ${EATING.trigger}`);
    await worker.again();
    await digestIsThere(agent);
    expect(await complete(agent)).toEqual(COMPLETE);
    const books = await expectBooksRight(agent);
    expect(books.unknown).toBe(1);
    say(`  killed for its memory: ${JSON.stringify(books)}`);
  });

  it("is not lost to a job that takes all the container's memory", async ({ expect, ...context }) => {
    const agent = await deploy(context);
    const eater = {
      name: "eater",
      kind: "exec",
      every: "1h",
      retry: { attempts: 1 },
      command: EATING_COMMAND,
    };
    await agent.configure(digestConfig({ jobs: [eater] }));
    await agent.fillInbox(ITEMS);
    // As an engine does whose container has `--restart on-failure`.
    const worker = await agent.start(["run"], { memory: "256m", docker: ["--restart", "on-failure"] });
    await digestIsThere(agent);
    await expect
      .poll(() => agent.ask<{ queue: { dead: number } }>(["status"]).then(({ queue }) => queue.dead), {
        timeout: 60_000,
        interval: 500,
      })
      .toBe(1);
    expect(await complete(agent)).toEqual(COMPLETE);
    expect((await worker.state()).Running).toBe(true);
    const books = await expectBooksRight(agent);
    const restarts = (await docker(["inspect", "-f", "{{.RestartCount}}", worker.id])).trim();
    say(`  a job ate the memory: restarts ${restarts}, ${JSON.stringify(books)}`);
  });
});

describe("an engine that goes away in mid-digest", () => {
  let machine: Vm;
  beforeAll(async () => {
    machine = await startVm();
    const { afkImage, modelImage } = inject("engine");
    await machine.load(afkImage);
    await machine.load(modelImage);
  });
  afterAll(() => machine?.stop());

  it("starts the worker again, which finishes after a restart and a power cut", async ({ expect }) => {
    const agent = await agentInVm(machine);
    await agent.configure(digestConfig());
    await agent.fillInbox(ITEMS);
    await behave(agent.model.inModel, TWO_STALLS);
    await agent.start();
    await calledTimes(agent, 2);
    await machine.ok("systemctl restart docker");
    await calledTimes(agent, 4);
    await machine.powerCut();
    await digestIsThere(agent);
    expect(await complete(agent)).toEqual(COMPLETE);
    const books = await expectBooksRight(agent);
    expect(books.unknown).toBe(2);
    say(`  engine restarted, then the power cut: ${JSON.stringify(books)}`);
  });
});

const COMPLETE = { digests: 1, notOnce: {} };

async function complete(agent: Audited): Promise<typeof COMPLETE> {
  const { names, text } = await digestsOf(agent);
  return { digests: names.length, notOnce: itemsNotOnce(text, ITEMS) };
}
