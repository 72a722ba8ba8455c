import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import type { JobContext } from "../../../src/jobs/job.ts";
import { nextCheckMs } from "../../../src/runner/job/run-job.ts";
import { ollama } from "../../support/afk.ts";
import { harness } from "../harness.ts";

const SHORT = { jobs: [{ name: "work", kind: "work", timeout: "1s", retry: { attempts: 1 } }] };
const HELLO = { messages: [{ role: "user" as const, content: "Hello." }] };

describe("the time limit", () => {
  it("aborts a job's signal, and what it took counts as a failed attempt", async () => {
    const { agent, target } = await harness((context) => aborted(context), SHORT);
    await agent.enqueue("work");
    const began = performance.now();

    expect(await agent.tick()).toMatchObject({ outcome: "failed", exitCode: 1 });

    expect(performance.now() - began).toBeGreaterThanOrEqual(900);
    expect(target.query("select attempts, error from dead_letters")).toEqual([
      { attempts: 1, error: expect.stringContaining("took longer than its limit of 1 s") },
    ]);
  });
});

describe("a running job", () => {
  it.each([
    [45 * 60_000, 0, 10_000, "three times in a lease"],
    [45 * 60_000, 40 * 60_000, 10_000, "three times in a lease, to the end"],
    [15_000, 10_000, 5_000, "when its time is up, and not at the next round"],
    [1_000, 990, 10, "again when it was looked at a moment too early"],
    [1_000, 1_500, 1, "at once when it is overdue"],
  ])("with a limit of %i ms is looked at after %i ms in %i ms: %s", (timeoutMs, elapsedMs, expected) => {
    expect(nextCheckMs(timeoutMs, elapsedMs)).toBe(expected);
  });
});

describe("a job that ignores its signal", () => {
  it("is left behind, and nothing that it does later is kept", async () => {
    let late: JobContext | undefined;
    let finish = () => {};
    const { agent, clock, target } = await harness((context) => {
      late = context;
      agent.rails.watch.trip({ by: "signal", at: clock.nowMs(), reason: "the test says so" });
      return new Promise((resolve) => {
        finish = () => {
          context.publish("late.md", "too late");
          context.remember(["late"]);
          resolve({ units: 9, summary: "late" });
        };
      });
    });
    await agent.enqueue("work");

    expect(await agent.tick()).toMatchObject({ outcome: "halted", units: 0, exitCode: 0 });
    finish();
    await expect(late?.step("late", async () => 1)).rejects.toMatchObject({ code: "killed" });
    await expect(late?.complete("ask", HELLO)).rejects.toMatchObject({ code: "killed" });

    expect(target.query("select state, attempts from jobs")).toEqual([{ state: "ready", attempts: 0 }]);
    expect(target.query("select * from outputs")).toEqual([]);
    expect(target.query("select * from seen")).toEqual([]);
    expect(target.query("select * from steps")).toEqual([]);
  });
});

describe("a job that finishes in spite of its signal", () => {
  it("is done: what it did is not thrown away", async () => {
    const { agent, clock, target } = await harness((context) => {
      agent.rails.watch.trip({ by: "signal", at: clock.nowMs(), reason: "the test says so" });
      context.publish("note.md", "made in time");
      return undefined;
    });
    await agent.enqueue("work");

    expect(await agent.tick()).toMatchObject({ outcome: "halted", units: 1, exitCode: 0 });

    expect(target.outputs()).toEqual({ "note.md": "made in time" });
    expect(target.query("select state from jobs")).toEqual([{ state: "done" }]);
  });
});

describe("a job that afk.yaml does not name any more", () => {
  it.each([
    ["was removed", { jobs: [{ name: "other", kind: "work" }] }],
    [
      "is of another kind now",
      { jobs: [{ name: "work", kind: "digest", sources: [{ folder: "./inbox" }] }] },
    ],
  ])("is dead with a message that says how to bring it back, when it %s", async (_name, changed) => {
    const { agent, ran, reopen, target } = await harness(() => undefined);
    await agent.enqueue("work", { key: "orphan" });
    const later = await reopen(changed);

    expect(await later.tick()).toMatchObject({ outcome: "failed" });

    expect(ran).toEqual([]);
    expect(target.query("select key, attempts, error from dead_letters")).toEqual([
      { key: "orphan", attempts: 1, error: expect.stringContaining("afk dead retry orphan") },
    ]);
  });
});

describe("a claim that was lost", () => {
  it("drops the result: no file, no memory, no end of the job", async () => {
    const { agent, target } = await harness((context) => {
      context.publish("note.md", "text");
      context.remember(["a"]);
      edit(target.state, "update jobs set token = token + 1");
      return undefined;
    });
    await agent.enqueue("work");

    expect(await agent.tick()).toMatchObject({ units: 0, outputs: [] });

    expect(target.outputs()).toEqual({});
    expect(target.query("select * from seen")).toEqual([]);
    expect(target.query("select state from jobs")).toEqual([{ state: "running" }]);
    expect(target.logs()).toContainEqual(
      expect.objectContaining({ event: "job_failed", error: expect.stringContaining("lease") }),
    );
  });
});

describe("a model call in a job", () => {
  it("carries the tick, the job and the step into ledger and log", async () => {
    const server = await ollama();
    const { agent, target } = await harness(
      async (context) => {
        expect((await context.complete("ask", HELLO)).text).not.toBe("");
        return undefined;
      },
      { models: { chain: ["ollama/test-model"], providers: { ollama: { base_url: server.url } } } },
    );
    await agent.enqueue("work", { key: "one" });

    const { tick } = await agent.tick();

    expect(target.query("select tick, job, step, state from ledger")).toEqual([
      { tick, job: "one", step: "ask", state: "settled" },
    ]);
    expect(target.logs()).toContainEqual(
      expect.objectContaining({ event: "call_done", tick, job: "one", step: "ask" }),
    );
  });

  it("is not made again for an attempt that follows", async () => {
    const server = await ollama();
    const answers: string[] = [];
    const { agent } = await harness(
      async (context, count) => {
        answers.push((await context.complete("ask", HELLO)).text);
        if (count === 1) throw new Error("after the call");
        return undefined;
      },
      { models: { chain: ["ollama/test-model"], providers: { ollama: { base_url: server.url } } } },
    );
    await agent.enqueue("work");

    expect(await agent.tick()).toMatchObject({ outcome: "ok" });

    expect(server.requests).toHaveLength(1);
    expect(answers[1]).toBe(answers[0]);
    expect(answers).toHaveLength(2);
  });
});

/** Rejects as a well-behaved job does, as soon as its signal aborts. */
function aborted(context: JobContext): Promise<never> {
  return new Promise((_resolve, reject) => {
    context.signal.addEventListener("abort", () => reject(context.signal.reason));
  });
}

function edit(state: string, sql: string): void {
  const database = new Database(join(state, "afk.db"));
  try {
    database.exec(sql);
  } finally {
    database.close();
  }
}
