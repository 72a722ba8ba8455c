// @module-tag processes
import { rmSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { noOutput } from "../../../src/ops/watchdog/no-output.ts";
import { digestConfig, fillInbox, ollama } from "../../support/afk.ts";
import { contentServer } from "../../support/content-server.ts";
import { type Harness, harness } from "../harness.ts";

const HOUR = 3_600_000;
const FILE = { deliver: [{ to: "file", path: "told.md", when: "always" }] };
const hourly = (job: object) => ({
  jobs: [{ name: "work", kind: "work", every: "1h", retry: { attempts: 1 }, ...job }],
});

/** The next run of the job, an hour later. */
async function nextTick({ agent, clock }: Harness) {
  clock.advance(HOUR);
  return await agent.tick();
}

describe("a digest with only_if: changed", () => {
  it("asks no model, writes, delivers and alerts nothing where its sources have nothing new, however often", async () => {
    const model = await ollama();
    const config = digestConfig(model.url, { job: { every: "1h", only_if: "changed", ...FILE } });
    const made = await harness(() => undefined, config, { kinds: [] });
    const { agent, target, alerts } = made;
    fillInbox(target, 1);
    expect(await agent.tick()).toMatchObject({ outcome: "ok", units: 1 });
    const asked = model.requests.length;
    expect(asked).toBeGreaterThan(0);
    const files = Object.keys(target.outputs());
    const before = [target.query("select * from deliveries"), target.query("select * from results")];

    for (let n = 0; n < 6; n++)
      expect(await nextTick(made)).toMatchObject({ outcome: "idle", units: 0, outputs: [], exitCode: 0 });

    expect(model.requests).toHaveLength(asked);
    expect(Object.keys(target.outputs())).toEqual(files);
    expect([target.query("select * from deliveries"), target.query("select * from results")]).toEqual(before);
    expect(alerts).toEqual([]);
    expect(await noOutput(agent.store.db, agent.config)).toBe(null);
    expect(target.query("select distinct state from jobs")).toEqual([{ state: "done" }]);

    fillInbox(target, 2);
    expect(await nextTick(made)).toMatchObject({ outcome: "ok", units: 1 });
    expect(model.requests.length).toBeGreaterThan(asked);
  });

  it("is not held to what is expected of a run", async () => {
    const model = await ollama();
    const config = digestConfig(model.url, {
      job: { every: "1h", only_if: "changed", expect: { units: 1 } },
    });
    const made = await harness(() => undefined, config, { kinds: [] });
    fillInbox(made.target, 1);
    expect(await made.agent.tick()).toMatchObject({ outcome: "ok" });
    expect(await nextTick(made)).toMatchObject({ outcome: "idle" });
  });

  it("runs for a person who asks for it", async () => {
    const model = await ollama();
    const config = digestConfig(model.url, { job: { only_if: "changed" } });
    const { agent, target } = await harness(() => undefined, config, { kinds: [] });
    fillInbox(target, 1);
    await agent.tick();
    await agent.enqueue("digest");
    expect(await agent.tick()).toMatchObject({
      outcome: "ok",
    });
  });

  it("tells of a source that fails, once a day, and announces that it works again from a run that had nothing to do", async () => {
    const model = await ollama();
    const config = digestConfig(model.url, { job: { every: "1h", only_if: "changed" } });
    const made = await harness(() => undefined, config, { kinds: [] });
    const { agent, target, alerts } = made;
    fillInbox(target, 1);
    await agent.tick();
    rmSync(join(target.dir, "inbox"), { recursive: true });
    expect(await nextTick(made)).toMatchObject({ outcome: "ok" });
    expect(await nextTick(made)).toMatchObject({ outcome: "idle" });
    fillInbox(target, 1);
    expect(await nextTick(made)).toMatchObject({ outcome: "idle" });
    expect(alerts.map(({ event }) => event)).toEqual(["source_failed", "source_recovered"]);
  });
});

describe("only_if: { changed: … }", () => {
  it("runs when the content of a file differs, and not when it was only touched", async () => {
    const made = await harness(() => undefined, hourly({ only_if: { changed: "list.txt" } }));
    const { agent, target, ran } = made;
    target.write("list.txt", "a");
    const runs: number[] = [];
    const tick = async (change: () => void) => {
      change();
      await nextTick(made);
      runs.push(ran.length);
    };
    await agent.tick();
    await tick(() => undefined);
    await tick(() => utimesSync(join(target.dir, "list.txt"), 1, 1));
    await tick(() => target.write("list.txt", "b"));
    await tick(() => rmSync(join(target.dir, "list.txt")));
    await tick(() => undefined);
    expect(runs).toEqual([1, 1, 2, 3, 3]);
  });

  it("sees a change again when the run that it began has failed", async () => {
    const failing = await harness(
      (_, count) => {
        if (count === 2) throw new Error("the disk is gone");
        return undefined;
      },
      hourly({ only_if: { changed: ["list.txt"] }, retry: { attempts: 1 } }),
    );
    failing.target.write("list.txt", "a");
    await failing.agent.tick();
    failing.target.write("list.txt", "b");
    expect(await nextTick(failing)).toMatchObject({ outcome: "failed" });
    expect(await nextTick(failing)).toMatchObject({ outcome: "ok" });
    expect(await nextTick(failing)).toMatchObject({ outcome: "idle" });
  });

  it("sees what comes into a folder, and asks an address by its validator", async () => {
    const site = await contentServer({ "/prices": { headers: { etag: '"1"' }, body: "1" } });
    const egress = { allow: ["127.0.0.1"], allow_private: ["127.0.0.1"], requests_per_minute: 6000 };
    const only_if = { changed: ["in", `${site.origin}/prices`] };
    const made = await harness(() => undefined, { egress, ...hourly({ only_if }) });
    const { agent, target, ran } = made;
    target.write("in/a", "a");
    await agent.tick();
    await nextTick(made);
    expect(site.requests.at(-1)!.headers["if-none-match"]).toBe('"1"');
    expect(ran).toHaveLength(1);
    target.write("in/b", "b");
    await nextTick(made);
    site.routes["/prices"] = "2";
    await nextTick(made);
    await nextTick(made);
    expect(ran).toHaveLength(3);
    site.routes["/prices"] = { status: 500 };
    expect(await nextTick(made)).not.toMatchObject({ outcome: "idle" });
    expect(ran).toHaveLength(3);
  });
});

describe("only_if: { command: … }", () => {
  const command = (script: string) => hourly({ only_if: { command: ["sh", "-c", script] } });

  it("runs at exit 0, does nothing at 1, and everything else is a failure with what the program said", async () => {
    const { agent, ran } = await harness(
      () => undefined,
      command('test -n "$AFK_JOB" && test -z "$SECRET"'),
      { environment: { SECRET: "x" } },
    );
    expect(await agent.tick()).toMatchObject({ outcome: "ok" });
    expect(ran).toHaveLength(1);

    const none = await harness(() => undefined, command("exit 1"));
    expect(await none.agent.tick()).toMatchObject({ outcome: "idle" });

    const broken = await harness(() => undefined, command("echo no such table >&2; exit 3"));
    expect(await broken.agent.tick()).toMatchObject({
      outcome: "failed",
      reason: expect.stringMatching(/only_if.*exited with 3: no such table/),
    });
    expect([...none.ran, ...broken.ran]).toEqual([]);
  });
});

it.each([
  [{ only_if: "changed" }, /a job of kind work has no sources/],
  [{ only_if: "always" }, /write changed, \{ changed: /],
  [{ only_if: { changed: "https://example.org/x" } }, /add example\.org to it/],
  [{ only_if: { command: [] } }, /exit 0 is yes/],
])("%j is refused with what to write", async (job, message) => {
  await expect(harness(() => undefined, hourly(job))).rejects.toThrow(message);
});
