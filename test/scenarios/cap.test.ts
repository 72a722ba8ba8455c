import { describe, it } from "vitest";
import { say } from "../support/engine/command.ts";
import { behave } from "../support/engine/model.ts";
import {
  calledTimes,
  callsOf,
  digestIsThere,
  digestsOf,
  expectBooksRight,
  itemsNotOnce,
  trafficOf,
} from "./support/books.ts";
import { deploy } from "./support/deployment.ts";
import { BOUND_USD, COST_USD, digestConfig, MODEL } from "./support/digest.ts";
import { eventually } from "./systemd/eventually.ts";

const ITEMS = 4;
/** Two calls fit: the third would take 0.014 settled and 0.01 reserved over it. */
const CAP_FOR_TWO_USD = 0.02;

describe.concurrent("a cap of 0", () => {
  it.for([
    { name: "a model that costs money", prices: { [MODEL]: { input: 0, output: 1_000 } } },
    { name: "a model that costs nothing", prices: {} },
  ])("sends no byte to $name, and says so", async ({ name, prices }, { expect, ...context }) => {
    const agent = await deploy(context);
    await agent.configure(digestConfig({ models: { prices } }));
    await agent.fillInbox(ITEMS);
    const before = await trafficOf(agent);
    const { code, stdout } = await agent.run(["tick"], { env: { DAILY_CAP_USD: "0" } });
    expect(code).toBe(0);
    expect(stdout).toContain('"cap_hit"');
    expect(await trafficOf(agent)).toBe(before);
    expect((await digestsOf(agent)).names).toEqual([]);
    // The work is not lost: it is done once there is a cap.
    const done = await agent.run(["tick"]);
    expect(done.code).toBe(0);
    expect(itemsNotOnce((await digestsOf(agent)).text, ITEMS)).toEqual({});
    const bytes = (await trafficOf(agent)) - before;
    say(`  cap 0, ${name}: 0 connections; ${bytes} connections and pieces once there was a cap`);
  });
});

describe.concurrent("a cap that is reached in mid-digest", () => {
  it.for([
    { window: "hour", variable: "HOURLY_CAP_USD", budget: { hourly_cap_usd: CAP_FOR_TWO_USD } },
    { window: "day", variable: "DAILY_CAP_USD", budget: { daily_cap_usd: CAP_FOR_TWO_USD } },
  ])("halts at the $window's, and goes on when it is raised", async (limit, { expect, ...context }) => {
    const agent = await deploy(context);
    await agent.configure(digestConfig({ budget: limit.budget }));
    await agent.fillInbox(ITEMS);
    const halted = await agent.run(["tick", "--json"]);
    expect(halted.code).toBe(0);
    expect(JSON.parse(halted.stdout).outcome).toBe("halted");
    const calls = await callsOf(agent);
    expect(calls).toHaveLength(2);
    expect(calls.length * COST_USD).toBeLessThanOrEqual(CAP_FOR_TWO_USD);
    const { spend } = await agent.ask<{ spend: Spend[] }>(["status"]);
    expect(spend.find(({ window }) => window === limit.window)).toMatchObject({
      capUsd: CAP_FOR_TWO_USD,
      settledUsd: 2 * COST_USD,
      reservedUsd: 0,
    });
    // Again and again it spends nothing more.
    expect((await agent.run(["tick"])).code).toBe(0);
    expect(await callsOf(agent)).toHaveLength(2);

    expect((await agent.run(["tick"], { env: { [limit.variable]: "1" } })).code).toBe(0);
    const { names, text } = await digestsOf(agent);
    expect(names).toHaveLength(1);
    expect(itemsNotOnce(text, ITEMS)).toEqual({});
    const books = await expectBooksRight(agent);
    expect(books.again).toBe(0);
    say(
      `  the ${limit.window}'s cap: 2 calls for ${2 * COST_USD} of ${CAP_FOR_TWO_USD} USD; then ${JSON.stringify(books)}`,
    );
  });
});

interface Spend {
  window: string;
  capUsd: number | null;
  settledUsd: number;
  reservedUsd: number;
}

describe.concurrent("two containers on one volume", () => {
  it("works in one, and the others leave with 75", async ({ expect, ...context }) => {
    const agent = await deploy(context);
    await agent.configure(digestConfig());
    await agent.fillInbox(ITEMS);
    await behave(agent.model.inModel, { next: [{ type: "slow", everyMs: 400 }] });
    const workers = await Promise.all([1, 2, 3].map(() => agent.start(["run"])));
    const codes = async () => {
      const states = await Promise.all(workers.map((worker) => worker.state()));
      return states.map(({ Running, ExitCode }) => (Running ? "works" : ExitCode)).sort();
    };
    await eventually(
      "two have left",
      async () => (await codes()).filter((code) => code !== "works").length >= 2,
    );
    expect(await codes()).toEqual([75, 75, "works"]);
    // A timer's tick beside the loop, in mid-reply.
    await calledTimes(agent, 1);
    expect((await agent.run(["tick"])).code).toBe(75);
    await digestIsThere(agent);
    const { names, text } = await digestsOf(agent);
    expect(names).toHaveLength(1);
    expect(itemsNotOnce(text, ITEMS)).toEqual({});
    const books = await expectBooksRight(agent);
    expect(books.again).toBe(0);
    say(`  three started at once: ${JSON.stringify(await codes())}; ${JSON.stringify(books)}`);
  });

  it("makes one call of those that race for a cap with room for one", async ({ expect, ...context }) => {
    const agent = await deploy(context);
    // The library takes no lock: each container calls as soon as it may.
    await agent.configure({ ...digestConfig({ budget: { daily_cap_usd: BOUND_USD } }), jobs: [] });
    await behave(agent.model.inModel, { otherwise: { type: "slow", everyMs: 100 } });
    const words = ["--input-type=module", "-e", CALLER];
    const callers = await Promise.all(
      [1, 2, 3, 4].map(() => agent.start(words, { entrypoint: "node", memory: "256m" })),
    );
    const said = async (word: string) => {
      const logs = await Promise.all(callers.map((caller) => caller.logs()));
      return logs.filter((text) => text.includes(word)).length;
    };
    await eventually("all are ready", async () => (await said("ready")) === callers.length);
    await agent.sh("touch /data/go");
    await Promise.all(callers.map((caller) => caller.ended()));
    expect({ bought: await said("bought"), refused: await said("refused: cap_hit") }).toEqual({
      bought: 1,
      refused: 3,
    });
    expect(await callsOf(agent)).toHaveLength(1);
    say(`  ${callers.length} containers raced for a cap of one call: ${(await callsOf(agent)).length} call`);
  });
});

/** Opens the agent of the image as a library, waits for the word, and calls the model once. */
const CALLER = `
  import { existsSync } from "node:fs";
  import { openAgent } from "/app/library.js";
  const agent = await openAgent();
  console.log("ready");
  while (!existsSync("/data/go")) await new Promise((resolve) => setTimeout(resolve, 5));
  try {
    await agent.model.complete({ messages: [{ role: "user", content: "from " + process.env.HOSTNAME }] });
    console.log("bought");
  } catch (error) {
    console.log("refused: " + error.code);
  }
  await agent.close();
`;
