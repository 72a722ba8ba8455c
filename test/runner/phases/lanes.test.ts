import { expect, test } from "vitest";
import { systemClock } from "../../../src/lib/clock.ts";
import { AfkError } from "../../../src/lib/errors.ts";
import { RunCapped } from "../../../src/rails/halt.ts";
import { StoreRefused } from "../../../src/store/errors.ts";
import { type Harness, harness, type Run } from "../harness.ts";

const work = (name: string) => ({ name, kind: "work" });

/** An agent of real time with so many lanes, and who runs beside whom. */
async function lanes(
  concurrency: number,
  run: Run,
): Promise<Harness & { most(): number; progress: unknown[] }> {
  const running = new Set<string>();
  const progress: unknown[] = [];
  let most = 0;
  const made = await harness(
    async (context, count) => {
      expect(running).not.toContain(context.name);
      running.add(context.name);
      most = Math.max(most, running.size);
      try {
        return await run(context, count);
      } finally {
        running.delete(context.name);
      }
    },
    { concurrency, jobs: ["a", "b", "c", "d"].map(work) },
    { clock: systemClock, onProgress: (each) => progress.push(each) },
  );
  return { ...made, most: () => most, progress };
}

/** Resolves for all once so many wait. */
function meeting(count: number): () => Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let waiting = 0;
  return () => {
    waiting += 1;
    if (waiting === count) resolve();
    return promise;
  };
}

const rest = (ms: number) => systemClock.sleep(ms);

test("as many jobs run at a time as afk.yaml says, and not one more", async () => {
  const two = meeting(2);
  const { agent, most, ran, target, progress } = await lanes(2, async ({ name, publish, progress }) => {
    await two();
    progress(0, 1, "reading");
    await rest(20);
    publish(`${name}.md`, name);
    return undefined;
  });
  for (const name of ["a", "b", "c", "d"]) await agent.enqueue(name);
  const result = await agent.tick();
  expect(result).toMatchObject({ outcome: "ok", units: 4, exitCode: 0 });
  expect(result.outputs.map((path) => path.split("/").at(-1)).toSorted()).toEqual(
    ["a", "b", "c", "d"].map((name) => `${name}.md`),
  );
  expect(most()).toBe(2);
  expect(ran.toSorted()).toEqual(["a", "b", "c", "d"]);
  expect(progress[0]).toEqual({ job: "a", done: 0, total: 1, label: "reading", isOneOfSeveral: true });
  expect(target.events().filter((event) => event === "job_done")).toHaveLength(4);
});

test("one at a time is what it is without a word", async () => {
  const { agent, most, ran, progress } = await lanes(1, async ({ progress }) => {
    progress(0, 1, "reading");
    await rest(10);
    return undefined;
  });
  for (const name of ["b", "a", "c"]) await agent.enqueue(name);
  expect(await agent.tick()).toMatchObject({ outcome: "ok", units: 3 });
  expect(most()).toBe(1);
  expect(ran).toEqual(["b", "a", "c"]);
  expect(progress[0]).toEqual({ job: "b", done: 0, total: 1, label: "reading" });
});

test("a second run of a name waits for the first, and others pass it", async () => {
  const two = meeting(2);
  const { agent, ran } = await lanes(3, async () => {
    await two();
    await rest(20);
    return undefined;
  });
  for (const key of ["a-1", "a-2", "a-3"]) await agent.enqueue("a", { key });
  await agent.enqueue("b");
  expect(await agent.tick()).toMatchObject({ outcome: "ok", units: 4 });
  expect(ran.slice(0, 2)).toEqual(["a", "b"]);
});

test("a retry that falls due beside a long run is made beside it", async () => {
  const again = Promise.withResolvers<void>();
  const { agent } = await lanes(2, async ({ name }, count) => {
    if (name === "b") await again.promise;
    else if (count < 3) throw new AfkError("not_now", "not now", { retry: { afterMs: 50 } });
    else again.resolve();
    return undefined;
  });
  await agent.enqueue("b");
  await agent.enqueue("a");
  expect(await agent.tick()).toMatchObject({ outcome: "ok", units: 2 });
});

test("what is added while a run takes long is run beside it", async () => {
  const added = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const { agent, reopen } = await lanes(2, async ({ name }) => {
    if (name === "a") return void added.resolve();
    begun.resolve();
    await added.promise;
    return undefined;
  });
  await agent.enqueue("b");
  const tick = agent.tick();
  await begun.promise;
  const other = await reopen({ concurrency: 2, jobs: ["a", "b", "c", "d"].map(work) });
  await other.enqueue("a");
  expect(await tick).toMatchObject({ outcome: "ok", units: 2 });
});

test("a job that a rail halts leaves the other lane to its work", async () => {
  const { agent, ran } = await lanes(2, async ({ name }) => {
    if (name === "a") throw new RunCapped("no room for it", 0);
    await rest(30);
    return undefined;
  });
  for (const name of ["a", "b", "c", "d"]) await agent.enqueue(name);
  await agent.enqueue("b", { key: "b-2" });
  expect(await agent.tick()).toMatchObject({ outcome: "halted", units: 4, exitCode: 0 });
  expect(ran.filter((name) => name === "a")).toHaveLength(1);
  expect(
    await agent.store.db
      .selectFrom("jobs")
      .select(["name", "attempts"])
      .where("state", "=", "ready")
      .execute(),
  ).toEqual([{ name: "a", attempts: 0 }]);
});

test("the kill switch ends every lane, and counts no attempt", async () => {
  // Two jobs and the test.
  const begun = meeting(3);
  const { agent } = await lanes(2, async ({ signal }) => {
    void begun();
    await systemClock.sleep(60_000, signal);
    return undefined;
  });
  for (const name of ["a", "b", "c"]) await agent.enqueue(name);
  const tick = agent.tick();
  await begun();
  agent.rails.watch.trip({ by: "signal", at: systemClock.nowMs(), reason: "told to end" });
  expect(await tick).toMatchObject({ outcome: "halted", units: 0 });
  const rows = await agent.store.db.selectFrom("jobs").select(["state", "attempts", "runner"]).execute();
  expect(rows).toEqual(Array.from({ length: 3 }, () => ({ state: "ready", attempts: 0, runner: null })));
});

test("a lane whose store fails leaves no job behind in the other", async () => {
  const two = meeting(2);
  const { agent, ran } = await lanes(2, async ({ name }) => {
    await two();
    if (name === "a") throw new StoreRefused("store_io", "the disk did not read");
    await rest(50);
    return undefined;
  });
  for (const name of ["a", "b", "c"]) await agent.enqueue(name);
  expect(await agent.tick()).toMatchObject({ outcome: "failed", units: 1, reason: "the disk did not read" });
  expect(ran.toSorted()).toEqual(["a", "b"]);
  const rows = await agent.store.db.selectFrom("jobs").select(["name", "state"]).orderBy("name").execute();
  expect(rows.slice(1)).toEqual([
    { name: "b", state: "done" },
    { name: "c", state: "ready" },
  ]);
});
