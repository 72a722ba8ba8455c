// @module-tag processes
import { object } from "valibot";
import { describe, expect, it, onTestFinished } from "vitest";
import { openAgent } from "../../../src/agent.ts";
import { type Deployment, deployment, digestConfig, fillInbox, PROCESSES } from "../../support/afk.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import { afk, afkJson, tick } from "./in-process.ts";

const OFFLINE = { models: { chain: ["extractive"] } };

describe("tick", PROCESSES, () => {
  it("prints its result as one JSON document, with the log on standard error", async () => {
    const target = ready();
    const { code, stdout, stderr } = await target.afk(["tick", "--json"]);

    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      tick: expect.any(String),
      outcome: "ok",
      units: 1,
      outputs: [expect.stringMatching(/\.html$/), expect.stringMatching(/\.md$/)],
    });
    const events = stderr
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).event);
    expect(events[0]).toBe("tick_started");
    expect(events.at(-1)).toBe("tick_finished");
  });

  it("writes nothing but log lines to standard output where no person looks", async () => {
    const target = ready();
    const { code, stdout, stderr } = await target.afk(["tick"]);

    expect(code).toBe(0);
    expect(stderr).toBe("");
    expect(
      stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line)),
    ).toEqual(target.logs());
  });

  it("runs a job that is not due with --now, as often as it is asked", async () => {
    const target = ready({ job: { every: undefined, schedule: "0 6 * * *" } });
    expect(await tick(target)).toMatchObject({ outcome: "idle" });

    const now = await target.afk(["tick", "--now", "digest", "--json"]);
    expect(JSON.parse(now.stdout)).toMatchObject({ outcome: "ok", units: 1 });
    expect(target.query("select by_hand from ticks order by id")).toEqual([{ by_hand: 0 }, { by_hand: 1 }]);
    const unknown = await target.afk(["tick", "--now", "digset", "--json"]);
    expect(unknown.code).toBe(2);
    expect(JSON.parse(unknown.stdout)).toEqual({
      error: { code: "unknown_job", message: expect.stringContaining("Did you mean digest?") },
    });
  });
});

describe("enqueue and jobs", () => {
  it("add a job once per key, and show it", async () => {
    const target = ready();
    const add = ["enqueue", "digest", "--key", "monday", "--payload", '{"note": "by hand"}'];

    expect(await afkJson(target, ...add)).toEqual({
      code: 0,
      json: { key: "monday", added: true },
    });
    expect(await afkJson(target, ...add)).toEqual({
      code: 0,
      json: { key: "monday", added: false },
    });
    expect((await afk(target, ...add)).stdout).toContain("monday is known already");

    const { json } = await afkJson(target, "jobs");
    expect(json).toEqual([
      expect.objectContaining({
        key: "monday",
        name: "digest",
        kind: "digest",
        state: "ready",
        attempts: 0,
        byHand: true,
        payload: '{"note":"by hand"}',
      }),
    ]);
    const table = (await afk(target, "jobs")).stdout;
    expect(table).toMatch(/^ID +JOB +RUN +STATE +TRIES +UNITS$/m);
    expect(table).toMatch(/^[0-9a-z]{8} +digest +monday +ready +0\/5 +0$/m);
  });

  it("refuse a payload that is no JSON, and a job that is not there", async () => {
    const target = ready();
    const bad = await afk(target, "enqueue", "digest", "--payload", "{note}");
    expect(bad.code).toBe(2);
    expect(bad.stderr).toContain("--payload is not JSON");
    expect((await afk(target, "enqueue", "other")).code).toBe(2);
    expect((await afk(target, "enqueue")).code).toBe(2);
    expect(await afkJson(target, "jobs")).toEqual({ code: 0, json: [] });
    expect((await afk(target, "jobs")).stdout).toBe("the queue is empty; what is due: afk status\n");
  });

  it("show what a job did: its steps and its files", async () => {
    const target = ready();
    await afk(target, "enqueue", "digest", "--key", "monday");
    await tick(target);

    const { json } = await afkJson(target, "jobs", "show", "monday");
    expect(json).toMatchObject({ key: "monday", state: "done", outputs: expect.any(Array) });
    expect(json).toHaveProperty("steps.0.name", "fetch:0");
    const text = (await afk(target, "jobs", "show", "monday")).stdout;
    expect(text).toMatch(/^state +done, \w{3} \d+ \w{3} /m);
    expect(text).toMatch(/^steps +fetch, item, lead$/m);

    const missing = await afkJson(target, "jobs", "show", "nothing");
    expect(missing.code).toBe(1);
    expect(missing.json).toHaveProperty("error.code", "unknown_job");
  });

  it("list the newest so many", async () => {
    const target = ready();
    for (const key of ["first", "second", "third"]) await afk(target, "enqueue", "digest", "--key", key);

    const { json } = await afkJson(target, "jobs", "list", "--limit", "2");
    expect(json).toHaveLength(2);
    expect((await afk(target, "jobs", "--limit", "0")).code).toBe(2);
  });
});

describe("dead", () => {
  it("lists and shows a dead letter, also of a job that afk.yaml does not name any more", async () => {
    const target = await withDeadLetter();

    const { json } = await afkJson(target, "dead");
    expect(json).toEqual([
      expect.objectContaining({ key: "doomed", attempts: 1, error: "it cannot be done" }),
    ]);
    expect((await afk(target, "dead")).stdout).toMatch(
      /^\w{8} +doomed +21 Nov 10:00 +1 +1\n +it cannot be done$/m,
    );
    expect((await afkJson(target, "dead", "show", "doomed")).json).toMatchObject({
      key: "doomed",
      kind: "doomed",
    });
    expect((await afk(target, "dead", "show", "doomed")).stdout).toContain("it cannot be done");
  });

  it("says what it would drop, and drops it so that its key stays taken", async () => {
    const target = await withDeadLetter();

    expect((await afk(target, "dead", "drop", "doomed", "--dry-run")).stdout).toContain("would drop doomed");
    expect((await afkJson(target, "dead")).json).toHaveLength(1);
    expect((await afk(target, "dead", "drop", "doomed")).stdout).toContain("dropped doomed");

    expect((await afkJson(target, "dead")).json).toEqual([]);
    expect(target.query("select key, state from jobs")).toEqual([{ key: "doomed", state: "dead" }]);
  });

  it("lets no error move the cursor or clear the screen, whatever made it", async () => {
    const target = await withDeadLetter("odd\u001b[2J\nend");
    for (const words of [["dead"], ["dead", "show", "doomed"], ["jobs", "show", "doomed"], ["health"]])
      expect((await afk(target, ...words)).stdout, words.join(" ")).toContain("odd end");
    expect((await afk(target, "dead", "drop", "doomed")).stdout).toBe("dropped doomed: odd end\n");
  });

  it.each(["show", "retry", "drop"])("%s fails for a letter that is not there", async (verb) => {
    const target = ready();
    const { code, json } = await afkJson(target, "dead", verb, "nothing");
    expect(code).toBe(1);
    expect(json).toHaveProperty("error.code", "unknown_dead_letter");
    expect((await afk(target, "dead", verb)).code).toBe(2);
  });
});

function ready(changes: Parameters<typeof digestConfig>[1] = {}): Deployment {
  const target = deployment(digestConfig("http://127.0.0.1:9", { ...OFFLINE, ...changes }));
  fillInbox(target, 1);
  return target;
}

/** A deployment whose only job was of a kind that always fails. */
async function withDeadLetter(error = "it cannot be done"): Promise<Deployment> {
  const target = deployment();
  target.configure({
    agent: "test-agent",
    budget: { daily_cap_usd: 1 },
    ...OFFLINE,
    jobs: [{ name: "doomed", kind: "doomed", retry: { attempts: 1 } }],
  });
  const agent = await openAgent({
    config: target.configFile,
    state: target.state,
    clock: fakeClock(),
    kinds: [
      {
        kind: "doomed",
        settings: object({}),
        run: () => Promise.reject(new Error(error)),
      },
    ],
  });
  onTestFinished(() => agent.close());
  await agent.enqueue("doomed", { key: "doomed" });
  await agent.tick();
  // The kind is the test's own, so the commands are given a configuration without it.
  target.configure({ agent: "test-agent", budget: { daily_cap_usd: 1 }, ...OFFLINE });
  return target;
}

describe("pause and unpause", () => {
  it("put a job off, say so everywhere, and let it go on", async () => {
    const target = deployment(digestConfig("http://127.0.0.1:1"));
    expect((await afk(target, "pause", "digest", "--reason", "it is noisy")).stdout).toBe(
      "paused digest; a run at work goes on to its end\nIt starts no more until: afk unpause digest\n",
    );
    expect((await afk(target, "pause", "digest")).stdout).toContain("digest was paused already");
    expect((await afk(target, "status")).stdout).toMatch(/paused +digest by keyboard .*: it is noisy/);
    expect((await afk(target, "jobs")).stdout).toContain("digest is paused by keyboard");
    const refused = await afk(target, "enqueue", "digest");
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("with --force");
    expect((await afk(target, "enqueue", "digest", "--force")).stdout).toContain("this run alone is done");
    expect(await afkJson(target, "unpause", "digest")).toEqual({
      code: 0,
      json: { name: "digest", wasPaused: true, isByFile: false },
    });
    expect((await afk(target, "unpause", "digest")).stdout).toBe("digest was not paused\n");
    expect((await afk(target, "status")).stdout).not.toContain("paused");
  });

  it("cannot unpause what afk.yaml pauses, and say so", async () => {
    const target = deployment(digestConfig("http://127.0.0.1:1", { job: { paused: true } }));
    const { code, stdout } = await afk(target, "unpause", "digest");
    expect(code).toBe(1);
    expect(stdout).toContain("afk.yaml pauses it still: take paused: true of digest out of the file");
  });
});
