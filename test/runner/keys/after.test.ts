import { describe, expect, it } from "vitest";
import { harness } from "../harness.ts";

const job = (name: string, more: object = {}) => ({ name, kind: "work", retry: { attempts: 1 }, ...more });
const CHAIN = {
  jobs: [job("fetch"), job("report", { after: ["fetch"] }), job("tell", { after: ["report", "fetch"] })],
};

describe("a job that follows on another", () => {
  it("runs each time that a run of that is done, with what it came to as its payload", async () => {
    const payloads: unknown[] = [];
    const { agent, ran, target } = await harness((context) => {
      payloads.push(context.payload);
      if (context.name === "fetch") context.publish("data.csv", "1,2\n");
      return { units: 2, summary: "2 rows", report: { title: "Rows", text: "Two of them." } as never };
    }, CHAIN);
    await agent.enqueue("fetch", { key: "today" });
    expect(await agent.tick()).toMatchObject({ outcome: "ok", units: 8 });
    expect(ran.toSorted()).toEqual(["fetch", "report", "tell", "tell"]);
    expect(payloads[1]).toEqual({
      ...{ job: "fetch", key: "today", outcome: "done", units: 2, summary: "2 rows" },
      ...{ period: expect.any(String), title: "Rows", text: "Two of them.", items: [], files: ["data.csv"] },
    });
    await agent.tick();
    expect(ran).toHaveLength(4);
    const labels = target.query<{ label: string }>("select distinct label from jobs");
    expect(labels).toHaveLength(1);
  });

  it.each([
    ["died", {}, () => Promise.reject(new Error("no"))],
    ["did not give what was expected", { expect: { units: 1 } }, () => ({ units: 0, summary: "done!" })],
  ] as const)("does not run when that %s", async (_what, more, end) => {
    const { agent, ran } = await harness((context) => (context.name === "fetch" ? end() : undefined), {
      jobs: [job("fetch", more), job("report", { after: ["fetch"] })],
    });
    await agent.enqueue("fetch");
    await agent.tick();
    await agent.tick();
    expect(ran).toEqual(["fetch"]);
  });

  it("is added with the end of that run, or not at all", async () => {
    const { agent, ran, target, clock } = await harness(
      async (context, count) => {
        // Somebody else has the run meanwhile: what this attempt came to must not be recorded.
        if (count === 1) await agent.store.db.updateTable("jobs").set({ token: 9 }).execute();
        return context.name === "fetch" ? { units: count, summary: "done" } : undefined;
      },
      { jobs: [job("fetch", { retry: { attempts: 3 } }), ...CHAIN.jobs.slice(1)] },
    );
    await agent.enqueue("fetch");
    await agent.tick();
    expect(ran).toEqual(["fetch"]);
    expect(target.query("select name from jobs")).toEqual([{ name: "fetch" }]);

    clock.advance(60_000);
    await agent.tick();
    await agent.tick();
    expect(target.query("select name, state from jobs order by name")).toEqual([
      { name: "fetch", state: "done" },
      { name: "report", state: "done" },
      { name: "tell", state: "done" },
      { name: "tell", state: "done" },
    ]);
  });

  it("lets it pass while it is paused, and may have a schedule of its own", async () => {
    const { agent, ran, clock } = await harness(() => undefined, {
      jobs: [job("fetch"), job("report", { after: ["fetch"], every: "1h" })],
    });
    await agent.tick();
    await agent.pause("report", null);
    await agent.enqueue("fetch");
    await agent.tick();
    await agent.unpause("report");
    await agent.tick();
    expect(ran).toEqual(["report", "fetch"]);
    clock.advance(3_600_000);
    await agent.enqueue("fetch");
    await agent.tick();
    expect(ran.slice(2).toSorted()).toEqual(["fetch", "report", "report"]);
  });
});

describe("after", () => {
  it.each([
    [
      [job("a", { after: ["fetsh"] }), job("fetch")],
      "jobs[0].after[0]: there is no job named fetsh. Did you mean fetch?",
    ],
    [[job("a", { after: ["a"] })], "is a ring: a after a"],
    [
      [job("a", { after: ["c"] }), job("b", { after: ["a"] }), job("c", { after: ["b"] })],
      "is a ring: a after c after b after a",
    ],
    [[job("a", { after: [] })], "write a list of names of jobs under after"],
  ])("refuses %j", async (jobs, message) => {
    await expect(harness(() => undefined, { jobs })).rejects.toThrow(message);
  });

  it("takes several ways to one job", async () => {
    const jobs = [
      job("a"),
      job("b", { after: ["a"] }),
      job("c", { after: ["a"] }),
      job("d", { after: ["b", "c"] }),
    ];
    const { agent, ran } = await harness(() => undefined, { jobs });
    await agent.enqueue("a");
    await agent.tick();
    expect(ran.toSorted()).toEqual(["a", "b", "c", "d", "d"]);
  });
});
