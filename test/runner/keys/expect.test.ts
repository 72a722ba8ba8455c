// @module-tag processes
import { describe, expect, it } from "vitest";
import type { JobResult } from "../../../src/jobs/job.ts";
import { findDeadLetters, retryDeadLetter } from "../../../src/queue/dead-letters.ts";
import { digestConfig } from "../../support/afk.ts";
import { harness, type Run } from "../harness.ts";

const NOW = Date.parse("2026-11-21T10:00:00Z");
const SCHEMA = { type: "object", required: ["total"], properties: { total: { type: "integer" } } };

async function withExpect(run: Run, wanted: unknown, job: object = {}) {
  const made = await harness(run, {
    jobs: [
      {
        name: "work",
        kind: "work",
        expect: wanted,
        retry: { attempts: 1 },
        deliver: [{ to: "feed", when: "always" }],
        ...job,
      },
    ],
  });
  made.target.write("schema.json", JSON.stringify(SCHEMA));
  await made.agent.enqueue("work", { key: "run" });
  return made;
}

const gives =
  (result: Partial<JobResult>, files: Record<string, string> = {}): Run =>
  (context) => {
    for (const [name, content] of Object.entries(files)) context.publish(name, content);
    return { units: 1, summary: "all done!", ...result };
  };

const OLD = NOW - 3 * 24 * 3_600_000;
const MISSES: [wanted: object, run: Run, missing: string][] = [
  [{ units: 1 }, gives({ units: 0 }), "it gave 0 units, where at least 1 was expected"],
  [{ file: "report-*.md" }, gives({}), "it made no file like report-*.md (it made none)"],
  [
    { file: "report-*.md" },
    gives({}, { "my-report-1.md": "", "report-1.mdx": "" }),
    "it made my-report-1.md, report-1.mdx",
  ],
  [{ json: true }, gives({}), "it printed nothing and made no file, where JSON was expected"],
  [{ json: true }, gives({ output: "Sure! {}" }), "what it printed is no JSON"],
  [
    { file: "*.json", json: true },
    gives({ output: "{}" }, { "a.json": "{}", "b.json": "{" }),
    "b.json is no JSON",
  ],
  [
    { json: { schema: "schema.json" } },
    gives({ output: '{"total":"3"}' }),
    "does not fit its schema: /total must be integer",
  ],
  [
    { json: { schema: "schema.json" } },
    gives({ output: "[]" }),
    "does not fit its schema: it must be object",
  ],
  [{ contains: ["one", "two"] }, gives({ output: "one" }), '"two" is not in what it printed'],
  [{ file: "a*", contains: "x" }, gives({ output: "x" }, { "a.md": "y", "b.md": "x" }), '"x" is not in a.md'],
  [{ max_age: "2d" }, gives({}), "nothing that it read says how old it is"],
  [
    { max_age: "2d" },
    gives({ newestInputMs: OLD }),
    "the newest of what it read is 3 d old, where at most 2 d was expected",
  ],
];

describe("a run that says it is done and did not give what was expected", () => {
  it.each(MISSES)("of %j has failed, and nothing of it is kept", async (wanted, run, missing) => {
    const { agent, target, alerts } = await withExpect((context, count) => {
      context.remember(["seen"]);
      context.keep("kept", "text");
      return run(context, count);
    }, wanted);

    expect(await agent.tick()).toMatchObject({ outcome: "failed", units: 0, outputs: [], exitCode: 1 });

    expect(target.query("select cause, error from dead_letters")).toEqual([
      { cause: "expectation_missed", error: expect.stringContaining(missing) },
    ]);
    expect(target.query("select units, state from jobs")).toEqual([{ units: 0, state: "dead" }]);
    for (const table of ["outputs", "seen", "job_memory", "drafts"])
      expect(target.query(`select * from ${table}`)).toEqual([]);
    const [line] = target.logs().filter(({ event }) => event === "job_failed");
    expect(line).toMatchObject({ error: expect.stringContaining(missing) });
    expect(alerts).toMatchObject([
      { event: "expectation_missed", title: "work did not give what was expected", job: "run" },
    ]);
    const results = target.query<{ outcome: string; report: string }>("select outcome, report from results");
    expect(results.map(({ outcome, report }) => [outcome, JSON.parse(report).text])).toEqual([
      ["dead", expect.stringContaining(missing)],
    ]);
  });
});

describe("a run that gave what was expected", () => {
  it.each([
    [{ units: 2 }, gives({ units: 2 })],
    [{ file: "report-*.md" }, gives({}, { "report-2026.md": "", "x.txt": "" })],
    [{ file: "*", json: true }, gives({}, { "a.json": "{}" })],
    [{ json: { schema: "schema.json" } }, gives({ output: '{"total":3}' })],
    [{ contains: "Total" }, gives({}, { "a.md": "Total: 3" })],
    [{ contains: "done!" }, gives({})],
    [{ max_age: "4d" }, gives({ newestInputMs: OLD })],
  ] as [object, Run][])("of %j is done", async (wanted, run) => {
    const { agent, target, alerts } = await withExpect(run, wanted);
    expect(await agent.tick()).toMatchObject({ outcome: "ok" });
    expect(target.query("select state from jobs")).toEqual([{ state: "done" }]);
    expect(alerts).toEqual([]);
  });
});

describe("trying again", () => {
  it("begins anew: what it did and bought before would come to the same", async () => {
    const steps: number[] = [];
    const made = await withExpect(
      async (context, count) => {
        steps.push(await context.step("work", async () => count));
        return { units: count === 2 ? 1 : 0, summary: "done" };
      },
      { units: 1 },
      { retry: { attempts: 3, first: "1s" } },
    );
    expect(await made.agent.tick()).toMatchObject({ outcome: "ok", units: 1 });
    expect(steps).toEqual([1, 2]);
    expect(made.alerts).toEqual([]);
    expect(made.target.events().filter((event) => event === "job_failed")).toHaveLength(1);
  });

  it("is told of once, when no attempts are left, and the next run that dies so is counted with it", async () => {
    const { agent, target, alerts } = await withExpect(
      gives({ units: 0 }),
      { units: 1 },
      { retry: { attempts: 3, first: "1s" } },
    );
    await agent.tick();
    await agent.enqueue("work", { key: "again" });
    await agent.tick();
    expect(target.events().filter((event) => event === "job_failed")).toHaveLength(6);
    expect(alerts.map(({ event }) => event)).toEqual(["expectation_missed"]);
    expect(target.query("select event, count, recovered_at from incidents")).toEqual([
      { event: "expectation_missed", count: 2, recovered_at: null },
    ]);
  });

  it("after a crash between the end of the work and its judgement is judged, and then begins anew", async () => {
    const steps: number[] = [];
    const { agent, target, clock } = await withExpect(
      async (context, count) => {
        steps.push(await context.step("work", async () => count));
        return { units: steps.length === 2 ? 1 : 0, summary: "done" };
      },
      { units: 1 },
      { retry: { attempts: 3, first: "1s" } },
    );
    // As a process leaves it that has recorded its step and died.
    const { db } = agent.store;
    const [job] = await db.selectFrom("jobs").select("id").execute();
    await db
      .updateTable("jobs")
      .set({ state: "running", runner: "gone", lease_until: 1, token: 1, attempts: 1 })
      .execute();
    const step = { job_id: job?.id ?? "", name: "work", result: "100", created_at: clock.nowMs() };
    await db.insertInto("steps").values(step).execute();

    await agent.tick();

    expect(steps).toEqual([100, 2]);
    expect(target.query("select state, attempts, units from jobs")).toEqual([
      { state: "done", attempts: 3, units: 1 },
    ]);
  });

  it("of a dead letter begins anew too, and until then shows what was done", async () => {
    const steps: number[] = [];
    const { agent, target } = await withExpect(
      async (context, count) => {
        steps.push(await context.step("work", async () => count));
        return { units: count - 1, summary: "done" };
      },
      { units: 1 },
    );
    await agent.tick();
    expect(target.query("select name, result from steps")).toEqual([{ name: "work", result: "1" }]);
    const [letter] = await findDeadLetters(agent.store.db, "work");
    await agent.store.atomically((trx) => retryDeadLetter(trx, letter!, null, 1));
    expect(await agent.tick()).toMatchObject({ outcome: "ok", units: 1 });
    expect(steps).toEqual([1, 2]);
    expect(target.query("select recovered_at is null as lasts from incidents")).toEqual([{ lasts: 0 }]);
  });
});

describe("what can be expected", () => {
  it.each([
    [{}, "write at least one of units, file, json, contains and max_age"],
    [{ units: 0 }, "write how many units: a whole number from 1"],
    [{ file: "out/report.md" }, "write the name of a file in out/"],
    [{ json: false }, "write true, or { schema:"],
    [{ json: { shema: "x" } }, "write true, or { schema:"],
    [{ contains: [] }, "write a text, or a list of at most 20"],
    [{ max_age: "soon" }, "write a duration"],
  ])("refuses %j where the file is read", async (wanted, message) => {
    await expect(withExpect(() => undefined, wanted)).rejects.toThrow(message);
  });

  it.each([
    ["missing.json", null, "cannot be read"],
    ["bad.json", "{", "is no JSON schema that can be used"],
    ["bad.json", '{"type":"object","propertys":{}}', 'unknown keyword: "propertys"'],
    ["bad.json", '{"$ref":"https://example.org/schema.json"}', "is no JSON schema that can be used"],
    ["bad.json", `{"description":"${"x".repeat(300_000)}"}`, "is larger than 256 KiB"],
  ])("does not begin a run for a schema that cannot be used: %s %s", async (schema, content, message) => {
    const { agent, target, ran } = await withExpect(() => undefined, { json: { schema } });
    if (content !== null) target.write(schema, content);
    await agent.tick();
    expect(ran).toEqual([]);
    expect(target.query("select error from dead_letters")).toEqual([
      { error: expect.stringContaining(message) },
    ]);
  });

  it("takes the newer drafts of JSON schemas, with formats", async () => {
    const made = await withExpect(gives({ output: '{"at":"soon"}' }), { json: { schema: "new.json" } });
    const properties = { at: { type: "string", format: "date" } };
    made.target.write(
      "new.json",
      JSON.stringify({ $schema: "https://json-schema.org/draft/2020-12/schema", properties }),
    );
    await made.agent.tick();
    expect(made.target.query("select error from dead_letters")).toEqual([
      { error: expect.stringContaining('/at must match format "date"') },
    ]);
  });
});

it.each([
  ["3d", "failed"],
  ["4d", "ok"],
])("a digest knows how old the newest of what it read is: max_age %s", async (maxAge, outcome) => {
  const { agent, target } = await harness(
    () => undefined,
    digestConfig("http://127.0.0.1:1", {
      models: { chain: ["extractive"] },
      job: { expect: { max_age: maxAge }, retry: { attempts: 1 } },
    }),
  );
  target.write("inbox/old.md", "---\ndate: 2026-11-08\n---\n# Older\n\nThe harbour is closed.\n");
  target.write("inbox/new.md", "---\ndate: 2026-11-18\n---\n# Newer\n\nThe harbour is open.\n");
  expect(await agent.tick()).toMatchObject({ outcome });
});

it.each([
  ["console.log(JSON.stringify({ total: 3 }))", { json: { schema: "schema.json" } }, "ok"],
  ['console.log("Done, all 3 reports are written!")', { json: { schema: "schema.json" } }, "failed"],
  ['console.log("Done.")', { file: "report-*.md" }, "failed"],
])(
  "a command that exits 0 is judged by what it printed: %s",
  { timeout: 60_000 },
  async (code, wanted, outcome) => {
    const { agent, target } = await harness(() => undefined, {
      jobs: [
        {
          name: "script",
          kind: "exec",
          command: [process.execPath, "-e", code],
          expect: wanted,
          retry: { attempts: 1 },
        },
      ],
    });
    target.write("schema.json", JSON.stringify(SCHEMA));
    await agent.enqueue("script");
    expect(await agent.tick()).toMatchObject({ outcome });
  },
);
