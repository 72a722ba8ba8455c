import { describe, expect, it } from "vitest";
import type { JobContext } from "../../../src/jobs/job.ts";
import type { Progress } from "../../../src/runner/dependencies.ts";
import { harness } from "../harness.ts";

const POST = { url: "https://example.org/hook", json: { text: "Welcome." } };

it("tells a job what it runs for", async () => {
  const seen: Partial<JobContext>[] = [];
  const { agent, clock, target } = await harness((context) => void seen.push(context), {
    timezone: "Asia/Tokyo",
    jobs: [{ name: "work", kind: "work", every: "1d", colour: "green" }],
  });
  await agent.tick();
  await agent.enqueue("work", { payload: { note: "by hand" } });
  await agent.tick();

  const slotMs = clock.nowMs();
  const common = { name: "work", settings: { colour: "green" }, timezone: "Asia/Tokyo", base: target.dir };
  expect(seen).toMatchObject([
    { ...common, payload: null, period: { slotMs, label: "2026-11-21" } },
    { ...common, payload: { note: "by hand" }, period: { slotMs, label: "2026-11-21-190000" } },
  ]);
});

describe("a step", () => {
  it("runs once per job, and gives its recorded result to the attempts that follow", async () => {
    let made = 0;
    const got: unknown[] = [];
    const { agent } = await harness(async (context, count) => {
      got.push(await context.step("fetch", async () => ({ made: ++made })));
      got.push(await context.step("nothing", async () => undefined));
      if (count === 1) throw new Error("after the steps");
      return undefined;
    });
    await agent.enqueue("work");
    await agent.tick();
    await agent.enqueue("work", { key: "another job" });
    await agent.tick();

    expect(made).toBe(2);
    expect(got.filter((_value, index) => index % 2 === 0)).toEqual([{ made: 1 }, { made: 1 }, { made: 2 }]);
  });

  it("that throws is not recorded", async () => {
    let tries = 0;
    const { agent } = await harness(async (context) => {
      const value = await context.step("fetch", async () => {
        tries += 1;
        if (tries === 1) throw new Error("broken");
        return tries;
      });
      expect(value).toBe(2);
      return undefined;
    });
    await agent.enqueue("work");

    expect(await agent.tick()).toMatchObject({ outcome: "ok" });
  });
});

describe("what a job remembers", () => {
  it("is seen by later jobs of its name, and by no others", async () => {
    const found: Record<string, string[]> = {};
    const { agent } = await harness(
      async (context, count) => {
        found[`${context.name} ${count}`] = [...(await context.isSeen(["a", "b", "c"]))];
        if (count === 1) context.remember(["a", "b", "a"]);
        return undefined;
      },
      { jobs: ["work", "other"].map((name) => ({ name, kind: "work" })) },
    );
    for (const name of ["work", "work", "other"]) {
      await agent.enqueue(name, { key: `${name} ${Object.keys(found).length}` });
      await agent.tick();
    }

    expect(found).toEqual({ "work 1": [], "work 2": ["a", "b"], "other 3": [] });
  });

  it("is forgotten with an attempt that fails, as are its files and drafts", async () => {
    const { agent, target } = await harness((context, count) => {
      if (count === 1) {
        context.remember(["a"]);
        context.publish("note.md", "from the first attempt");
        context.draft("welcome", "post", POST);
        throw new Error("after all of that");
      }
      context.publish("note.md", "from the second attempt");
      return undefined;
    });
    await agent.enqueue("work");

    await agent.tick();

    expect(target.query("select * from seen")).toEqual([]);
    expect(target.query("select * from drafts")).toEqual([]);
    expect(target.outputs()).toEqual({ "note.md": "from the second attempt" });
  });

  it("may be more than a statement takes", async () => {
    const keys = Array.from({ length: 2_345 }, (_, n) => `key-${n}`);
    const { agent } = await harness(async (context, count) => {
      if (count === 1) context.remember(keys);
      else expect((await context.isSeen([...keys, "other"])).size).toBe(keys.length);
      return undefined;
    });
    await agent.enqueue("work", { key: "first" });
    await agent.tick();
    await agent.enqueue("work", { key: "second" });

    expect(await agent.tick()).toMatchObject({ outcome: "ok" });
  });
});

describe("a file", () => {
  it("whose name is taken by another job gets a number", async () => {
    const { agent, target } = await harness(
      (context, count) => void context.publish("note.md", `text ${count}`),
    );
    for (const key of ["first", "second"]) {
      await agent.enqueue("work", { key });
      await agent.tick();
    }

    expect(target.outputs()).toEqual({ "note.md": "text 1", "note-2.md": "text 2" });
  });

  it.each(["../escape.md", "a/b.md", ".hidden", "", "a\nb"])(
    "named %j is refused for good, and nothing is written",
    async (name) => {
      const { agent, ran, target } = await harness((context) => void context.publish(name, "text"));
      await agent.enqueue("work");

      expect(await agent.tick()).toMatchObject({ outcome: "failed" });

      expect(ran).toHaveLength(1);
      expect(target.outputs()).toEqual({});
      expect(target.query("select error from dead_letters")).toHaveLength(1);
    },
  );
});

it("keeps drafts for a person and tells of each", async () => {
  const { agent, alerts, target } = await harness((context) => {
    context.draft("welcome", "post", POST);
    return undefined;
  });
  await agent.enqueue("work", { key: "one" });

  await agent.tick();

  expect(target.query("select name, action, content, state from drafts")).toEqual([
    { name: "welcome", action: "post", content: JSON.stringify(POST), state: "pending" },
  ]);
  expect(alerts).toEqual([expect.objectContaining({ event: "draft_pending", severity: "warn", job: "one" })]);
  expect(alerts[0]?.message).toContain("welcome");
  expect((await agent.status()).drafts).toMatchObject({ pending: 1 });
});

it("hands progress on to whoever watches", async () => {
  const told: Progress[] = [];
  const { agent } = await harness(
    (context) => void context.progress(1, 2, "an item"),
    {},
    { onProgress: (progress) => told.push(progress) },
  );
  await agent.enqueue("work");

  await agent.tick();

  expect(told).toEqual([{ job: "work", done: 1, total: 2, label: "an item" }]);
});
