import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { AfkError } from "../../src/lib/errors.ts";
import { ollama } from "../support/afk.ts";
import { type Harness, harness } from "./harness.ts";

describe("a job that fails", () => {
  it("is tried again within the tick, after backoff, and the tick is then well", async () => {
    const { agent, clock, ran, target } = await harness((_context, count) => {
      if (count < 3) throw new Error(`attempt ${count} failed`);
      return undefined;
    });
    await agent.enqueue("work");

    expect(await agent.tick()).toMatchObject({ outcome: "ok", units: 1, exitCode: 0, reason: null });

    expect(ran).toHaveLength(3);
    expect(clock.slept).toHaveLength(2);
    expect(clock.slept[0]).toBeLessThanOrEqual(30_000);
    expect(clock.slept[1]).toBeLessThanOrEqual(60_000);
    const failed = target.logs().filter(({ event }) => event === "job_failed");
    expect(failed.map(({ attempt, error }) => [attempt, error])).toEqual([
      [1, "attempt 1 failed"],
      [2, "attempt 2 failed"],
    ]);
  });

  it("is waited for when it asks for a minute", async () => {
    const { agent, clock, ran } = await harness(failOnce({ afterMs: 60_000 }));
    await agent.enqueue("work");

    expect(await agent.tick()).toMatchObject({ outcome: "ok" });

    expect(clock.slept).toEqual([60_000]);
    expect(ran).toHaveLength(2);
  });

  it("is waited for to the end where the timer ends a moment early by the wall clock", async () => {
    const { agent, clock, ran } = await harness(failOnce({ afterMs: 60_000 }));
    const { sleep } = clock;
    clock.sleep = (ms, signal) => sleep(ms === 60_000 ? ms - 1 : ms, signal);
    await agent.enqueue("work");

    expect(await agent.tick()).toMatchObject({ outcome: "ok" });
    expect(ran).toHaveLength(2);
  });

  it("is left to a later tick when it asks for more, and this one says that it failed", async () => {
    const { agent, clock, ran } = await harness(failOnce({ afterMs: 60_001 }));
    await agent.enqueue("work");

    expect(await agent.tick()).toMatchObject({ outcome: "failed", reason: "not now", exitCode: 1 });
    expect(clock.slept).toEqual([]);
    expect(await agent.tick()).toMatchObject({ outcome: "idle", reason: null });
    expect(ran).toHaveLength(1);
    clock.advance(60_001);
    expect(await agent.tick()).toMatchObject({ outcome: "ok" });

    expect(ran).toHaveLength(2);
  });

  it("is dead at once when trying again cannot heal it", async () => {
    const { agent, alerts, ran } = await harness(failOnce("never"));
    await agent.enqueue("work", { key: "hopeless" });

    expect(await agent.tick()).toMatchObject({ outcome: "failed", exitCode: 1 });

    expect(ran).toHaveLength(1);
    expect(alerts).toEqual([expect.objectContaining({ event: "job_dead", job: "hopeless" })]);
    expect((await agent.status()).queue).toEqual({ ready: 0, running: 0, done: 0, dead: 1 });
  });

  it("is dead after the attempts that afk.yaml grants it", async () => {
    const broken = () => {
      throw new Error("always");
    };
    const { agent, ran, target } = await harness(broken, {
      jobs: [{ name: "work", kind: "work", retry: { attempts: 2 } }],
    });
    await agent.enqueue("work");

    await agent.tick();

    expect(ran).toHaveLength(2);
    expect(target.query("select attempts, error from dead_letters")).toEqual([
      { attempts: 2, error: "always" },
    ]);
  });

  it("keeps the others from nothing", async () => {
    const jobs = ["first", "second"].map((name) => ({ name, kind: "work", retry: { attempts: 1 } }));
    const { agent, clock, ran } = await harness(
      (context) => {
        if (context.name === "first") throw new Error("broken");
        return undefined;
      },
      { jobs },
    );
    await agent.enqueue("first");
    clock.advance(1);
    await agent.enqueue("second");

    expect(await agent.tick()).toMatchObject({ outcome: "failed", units: 1, reason: "broken" });
    expect(ran).toEqual(["first", "second"]);
  });
});

describe("a job that a rail stops", () => {
  it("waits with its attempt given back, and the jobs behind it have their turn", async () => {
    const server = await ollama();
    const jobs = ["priced", "free"].map((name) => ({ name, kind: "work" }));
    const holder: { harness?: Harness } = {};
    holder.harness = await harness(
      async (context) => {
        holder.harness?.clock.advance(5);
        if (context.name === "priced")
          await context.complete("ask", { messages: [{ role: "user", content: "Hello." }] });
        return undefined;
      },
      {
        jobs,
        budget: { daily_cap_usd: 0 },
        models: { chain: ["ollama/test-model"], providers: { ollama: { base_url: server.url } } },
      },
    );
    const { agent, clock, ran, target } = holder.harness;
    await agent.enqueue("priced");
    clock.advance(1);
    await agent.enqueue("free");

    expect(await agent.tick()).toMatchObject({ outcome: "halted", units: 1, exitCode: 0 });

    expect(ran).toEqual(["priced", "free"]);
    expect(server.requests).toEqual([]);
    expect(target.query("select name, state, attempts from jobs order by id")).toEqual([
      { name: "priced", state: "ready", attempts: 0 },
      { name: "free", state: "done", attempts: 1 },
    ]);
  });
});

describe("a set kill switch", () => {
  it("starts nothing, says so, and leaves what is due for later", async () => {
    const { agent, ran, target } = await harness(() => undefined, {
      jobs: [{ name: "work", kind: "work", every: "1h" }],
    });
    target.write("state/STOP", "");

    expect(await agent.tick()).toMatchObject({ outcome: "halted", exitCode: 0 });

    expect(ran).toEqual([]);
    expect(target.query("select * from jobs")).toEqual([]);
    expect(target.events()).toEqual(["tick_started", "kill_set", "kill_seen", "tick_finished"]);
    expect((await agent.status()).killed).toMatchObject({ by: "file" });
  });

  it("lets out what was finished before it was set", async () => {
    const { agent, target } = await harness((context) => void context.publish("note.md", "done before"));
    await agent.enqueue("work");
    await agent.tick();
    unpublish(target.state, "note.md");
    target.write("state/STOP", "");

    expect(await agent.tick()).toMatchObject({ outcome: "halted" });

    expect(target.outputs()).toEqual({ "note.md": "done before" });
  });
});

describe("the job that follows another", () => {
  /** Two jobs, and what is done at the very moment that the first has been written down as done. */
  async function afterTheFirst(done: (rigged: Harness) => void): Promise<Harness> {
    const rigged = await harness(
      (context) => void context.publish("note.md", "text"),
      {},
      {
        onLogLine(line) {
          if (line.includes('"event":"job_done"') && rigged.ran.length === 1) done(rigged);
        },
      },
    );
    await rigged.agent.enqueue("work", { key: "first" });
    rigged.clock.advance(1_000);
    await rigged.agent.enqueue("work", { key: "second" });
    return rigged;
  }
  const jobs = "select key, state, attempts, run_at - slot_at as moved from jobs order by key";

  it("is claimed in the commit that ends the one before it", async () => {
    let seen: unknown;
    const { agent, target } = await afterTheFirst((rigged) => {
      seen = rigged.target.query(jobs);
    });

    expect(await agent.tick()).toMatchObject({ outcome: "ok", units: 2 });

    expect(seen).toMatchObject([
      { key: "first", state: "done" },
      { key: "second", state: "running", attempts: 1 },
    ]);
    expect(target.query(jobs)).toMatchObject([
      { state: "done", attempts: 1 },
      { state: "done", attempts: 1 },
    ]);
  });

  it("is given back in its place when the kill switch is set before it begins", async () => {
    const { agent, ran, target } = await afterTheFirst((rigged) =>
      rigged.agent.rails.watch.trip({ by: "file", at: 0, reason: "enough" }),
    );

    expect(await agent.tick()).toMatchObject({ outcome: "halted", units: 1 });

    expect(ran).toHaveLength(1);
    expect(target.query(jobs)).toMatchObject([
      { key: "first", state: "done" },
      { key: "second", state: "ready", attempts: 0, moved: 0 },
    ]);
  });

  it("is done although what the one before it has made cannot be published", async () => {
    const rigged = await afterTheFirst(({ target }) =>
      writeFileSync(join(target.state, "out"), "a file where the folder should be"),
    );
    const { agent, target } = rigged;

    expect(await agent.tick()).toMatchObject({ outcome: "failed", exitCode: 1, units: 2 });
    expect(target.query(jobs)).toMatchObject([{ state: "done" }, { state: "done" }]);
    rmSync(join(target.state, "out"));
    expect(await agent.tick()).toMatchObject({ outcome: "idle", exitCode: 0 });

    expect(Object.keys(target.outputs())).toEqual(["note-2.md", "note.md"]);
  });
});

describe("what an earlier run left", () => {
  it("is published by the next tick, the same bytes under the same name", async () => {
    const { agent, ran, target } = await harness((context) => {
      context.publish("note.md", "first");
      context.publish("page.html", "<p>second</p>");
      return undefined;
    });
    await agent.enqueue("work");
    const first = await agent.tick();
    const before = target.outputs();
    expect(before).toEqual({ "note.md": "first", "page.html": "<p>second</p>" });
    expect(first.outputs).toEqual(["note.md", "page.html"].map((name) => join(target.state, "out", name)));
    unpublish(target.state, "note.md");

    const next = await agent.tick();

    expect(next.outputs).toEqual([join(target.state, "out", "note.md")]);
    expect(target.outputs()).toEqual(before);
    expect(ran).toHaveLength(1);
  });

  it("is told of as a crashed tick", async () => {
    const { agent, target } = await harness(() => undefined);
    await agent.tick();
    edit(target.state, "update ticks set outcome = 'running', finished_at = null");

    await agent.tick();

    expect(target.query("select outcome from ticks order by rowid")).toEqual([
      { outcome: "crashed" },
      { outcome: "idle" },
    ]);
  });
});

it("says that it failed when it cannot publish, alerts, and publishes when it can again", async () => {
  const { agent, alerts, target } = await harness((context) => void context.publish("note.md", "text"));
  await agent.enqueue("work");
  mkdirSync(target.state, { recursive: true });
  writeFileSync(join(target.state, "out"), "a file where the folder should be");

  expect(await agent.tick()).toMatchObject({ outcome: "failed", exitCode: 1 });
  expect(alerts.map(({ event }) => event)).toEqual(["output_set_aside"]);
  rmSync(join(target.state, "out"));
  expect(await agent.tick()).toMatchObject({ outcome: "idle", exitCode: 0 });

  expect(target.outputs()).toEqual({ "note.md": "text" });
});

it("writes log lines that one tick and one job can be followed by", async () => {
  const { agent, target } = await harness((context) => {
    context.log.event("info", "looked", { found: 3 });
    return undefined;
  });
  await agent.enqueue("work", { key: "one" });
  const tick = await agent.tick();
  await agent.tick();

  const lines = target.logs();
  expect(lines.filter((line) => line.tick === tick.tick).map(({ event }) => event)).toEqual([
    "tick_started",
    "job_started",
    "looked",
    "job_done",
    "tick_finished",
  ]);
  expect(lines.filter((line) => line.job === "one").map(({ event }) => event)).toEqual([
    "job_started",
    "looked",
    "job_done",
  ]);
  expect(lines.every((line) => typeof line.tick === "string")).toBe(true);
});

it("is bounded by the time that passed, whatever somebody does to the clock", async () => {
  const { agent, clock, ran } = await harness(() => {
    clock.advance(20 * 60_000);
    clock.jump(-20 * 60_000);
    return undefined;
  });
  for (let n = 0; n < 6; n++) await agent.enqueue("work", { key: `job-${n}` });

  await agent.tick();

  // Fifty minutes are its bound; the job that passes it is finished.
  expect(ran).toHaveLength(3);
});

it("sweeps old log files", async () => {
  const { agent, target } = await harness(() => undefined, { retention: { log_days: 2 } });
  target.write("state/logs/afk-2026-11-18.jsonl", "{}\n");
  target.write("state/logs/afk-2026-11-19.jsonl", "{}\n");
  target.write("state/logs/notes.txt", "not a log\n");

  await agent.tick();

  expect(() => target.logs()).toThrow();
  rmSync(join(target.state, "logs/notes.txt"));
  expect(target.logs().map(({ event }) => event)).toEqual([undefined, "tick_started", "tick_finished"]);
});

function failOnce(retry: "never" | { afterMs: number }) {
  return (_context: unknown, count: number) => {
    if (count === 1) throw new AfkError("busy", "not now", { retry });
    return undefined;
  };
}

/** The state between the commit of a finished job and the file's own appearance. */
function unpublish(state: string, name: string): void {
  rmSync(join(state, "out", name));
  edit(state, `update outputs set state = 'pending', published_at = null where name = '${name}'`);
}

function edit(state: string, sql: string): void {
  const database = new Database(join(state, "afk.db"));
  try {
    database.exec(sql);
  } finally {
    database.close();
  }
}
