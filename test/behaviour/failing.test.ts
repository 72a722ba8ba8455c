import { expect, it } from "vitest";
import { openAgent } from "../../src/agent.ts";
import { afkJson, tick } from "../cli/commands/in-process.ts";
import { deployment, digestConfig, fillInbox, ollama, PROCESSES } from "../support/afk.ts";
import { fakeClock } from "../support/fake-clock.ts";

it(
  "names a source that fails in the digest and in the log, and goes on with the others",
  PROCESSES,
  async () => {
    const server = await ollama();
    const sources = [{ folder: "./inbox" }, { folder: "./not-there" }, { feed: "./cut-off.xml" }];
    const target = deployment(digestConfig(server.url, { job: { sources } }));
    target.write("cut-off.xml", "<rss><channel><item><title>half");
    fillInbox(target, 1);

    expect(await target.afk(["tick"])).toMatchObject({ code: 0 });

    const markdown = Object.entries(target.outputs()).find(([name]) => name.endsWith(".md"))?.[1] ?? "";
    expect(markdown).toContain("Title of item-01");
    const failing = markdown.slice(markdown.indexOf("## Failing sources"));
    for (const name of ["not-there", "cut-off"]) expect(failing.replaceAll("\\", "")).toContain(name);
    const failed = target.logs().filter(({ event }) => event === "source_failed");
    expect(failed.map(({ source }) => source)).toEqual([
      expect.stringContaining("not-there"),
      expect.stringContaining("cut-off"),
    ]);
    expect(target.query("select event, severity from alerts")).toEqual(
      Array(2).fill({ event: "source_failed", severity: "info" }),
    );
  },
);

it("gives up after five attempts, tells of it, and starts anew after afk dead retry", PROCESSES, async () => {
  const server = await ollama([], { type: "emptyText" });
  const job = { retry: { first: "1s", max: "1m" } };
  const target = deployment(digestConfig(server.url, { breaker: { failures: 1000 }, job }));
  fillInbox(target, 1);
  // The waits between the attempts take real time in a process, so the first tick runs here, by a clock of ours.
  const clock = fakeClock(Date.now() - 120_000);
  const agent = await openAgent({ config: target.configFile, state: target.state, clock });
  const first = await agent.tick();
  await agent.close();

  expect(first).toMatchObject({ outcome: "failed", exitCode: 1 });
  expect(server.requests).toHaveLength(5);
  expect(clock.slept).toHaveLength(4);
  const [letter] = target.query<{ key: string; attempts: number; error: string }>(
    "select * from dead_letters",
  );
  expect(letter).toMatchObject({ attempts: 5, error: expect.stringContaining("empty reply") });
  expect(target.query("select event from alerts")).toEqual([{ event: "job_dead" }]);
  expect(target.query("select state from ledger")).toEqual(Array(5).fill({ state: "settled" }));

  expect((await afkJson(target, "dead")).json).toEqual([
    expect.objectContaining({ key: letter?.key, attempts: 5 }),
  ]);
  server.otherwise({ type: "reply" });
  expect(await tick(target)).toMatchObject({ outcome: "idle" });
  expect(server.requests).toHaveLength(5);

  expect(await target.afk(["dead", "retry", letter?.key ?? ""])).toMatchObject({ code: 0 });
  expect(await target.afk(["tick"])).toMatchObject({ code: 0 });
  expect(Object.keys(target.outputs())).toHaveLength(2);
  expect(target.query("select state, attempts from jobs")).toEqual([{ state: "done", attempts: 1 }]);
  expect(target.query("select * from dead_letters")).toEqual([]);
});
