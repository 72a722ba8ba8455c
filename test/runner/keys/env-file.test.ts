// @module-tag processes
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { viewOf } from "../../../src/runner/job/view.ts";
import { PROCESSES } from "../../support/afk.ts";
import { harness } from "../harness.ts";

const SECRET = "correct-horse-battery-staple";
const job = (more: object = {}) => ({
  name: "work",
  kind: "work",
  env_file: "vars",
  retry: { attempts: 1 },
  ...more,
});

describe("env_file", () => {
  it("gives a kind of one's own its variables, read when the run starts", async () => {
    const found: unknown[] = [];
    const { agent, target, clock } = await harness((context) => void found.push(context.variables), {
      jobs: [job()],
    });
    for (const word of ["first", "second"]) {
      target.write("vars", `# words\nWORD="${word}"\n`);
      clock.advance(1_000);
      await agent.tick({ now: "work" });
    }
    expect(found).toEqual([{ WORD: "first" }, { WORD: "second" }]);
  });

  it("shows its values in nothing that a run logs, throws, or reports", async () => {
    const { agent, target, alerts, clock } = await harness(
      (context, count) => {
        const { TOKEN } = context.variables;
        context.log.event("info", "page_fetched", { url: `https://example.org/${TOKEN}`, of: [{ TOKEN }] });
        context.log.child({ token: TOKEN }).event("warn", "page_fetched", {});
        // After the one that follows on the first.
        if (count === 3) throw new Error(`401 for ${TOKEN}`);
        return {
          units: 1,
          summary: `used ${TOKEN}`,
          report: { title: `With ${TOKEN}`, text: `It was ${TOKEN}.` } as never,
        };
      },
      {
        jobs: [
          job({ deliver: [{ to: "feed", when: "always" }] }),
          { name: "next", kind: "work", after: ["work"] },
        ],
      },
    );
    target.write("vars", `TOKEN=${SECRET}\nSHORT=true\n`);
    await agent.enqueue("work", { key: "one" });
    const results = [await agent.tick()];
    clock.advance(1_000);
    results.push(await agent.tick({ now: "work" }));
    const tables = ["jobs", "results", "dead_letters", "alerts", "incidents", "ticks"].map((table) =>
      target.query(`select * from ${table}`),
    );
    for (const shown of [
      target.logs(),
      tables,
      alerts,
      results,
      readFileSync(`${target.state}/out/feed.xml`, "utf8"),
    ])
      expect(JSON.stringify(shown)).not.toContain(SECRET);
    expect(target.query("select error from dead_letters")).toEqual([{ error: "401 for [redacted]" }]);
    expect(JSON.stringify(target.query("select report from results"))).toContain("It was [redacted].");
    expect(JSON.stringify(target.logs())).toContain('"units":1');
  });

  it.each([
    ["is not there", null, "cannot be read"],
    ["sets what afk sets", "AFK_JOB=x", 'sets "AFK_JOB"'],
  ])("that %s lets no run begin", async (_what, content, message) => {
    const { agent, target, ran } = await harness(() => undefined, { jobs: [job()] });
    if (content !== null) target.write("vars", content);
    await agent.tick({ now: "work" });
    expect(ran).toEqual([]);
    expect(target.query("select error, cause from dead_letters")).toEqual([
      { cause: "env_file", error: expect.stringContaining(message) },
    ]);
  });

  it("gives a program its variables, and nothing of them to what is told of it", PROCESSES, async () => {
    const command = ["sh", "-c", 'test "$TOKEN" = correct-horse-battery-staple && echo "used $TOKEN"'];
    const { agent, target } = await harness(() => undefined, { jobs: [job({ kind: "exec", command })] });
    target.write("vars", `TOKEN=${SECRET}\n`);
    expect(await agent.tick({ now: "work" })).toMatchObject({ outcome: "ok" });
    expect(JSON.stringify(target.query("select report from results"))).toContain("used [redacted]");
  });
});

it("shows its values in nothing that afk jobs show tells of a program", PROCESSES, async () => {
  const command = ["sh", "-c", 'echo "printed $TOKEN"; echo "warned of $TOKEN" >&2'];
  const { agent, target } = await harness(() => undefined, { jobs: [job({ kind: "exec", command })] });
  target.write("vars", `TOKEN=${SECRET}\n`);
  await agent.tick({ now: "work" });
  for (const words of [[], ["--json"]]) {
    const shown = await target.afk(["jobs", "show", "work", ...words]);
    expect(shown.stdout).toContain("printed [redacted]");
    expect(shown.stdout).toContain("warned of [redacted]");
    expect(shown.stdout).not.toContain(SECRET);
  }
});

it("is hidden from the programs of every job, those of other jobs too", async () => {
  const { agent, target } = await harness(() => undefined, { jobs: [job()] });
  expect(viewOf(agent.config).hidden).toContain(`${target.dir}/vars`);
});

it("hides its values in errors whose message cannot be assigned to, and leaves others as they are", async () => {
  const { agent, target, clock } = await harness(
    (_context, count) => {
      throw new DOMException(count === 1 ? `no answer to ${SECRET}` : "no answer", "TimeoutError");
    },
    { jobs: [job()] },
  );
  target.write("vars", `TOKEN=${SECRET}\n`);
  for (const outcome of ["failed", "failed"]) {
    clock.advance(1_000);
    expect(await agent.tick({ now: "work" })).toMatchObject({ outcome });
  }
  expect(target.query("select error from dead_letters order by died_at")).toEqual([
    { error: "no answer to [redacted]" },
    { error: "no answer" },
  ]);
});
