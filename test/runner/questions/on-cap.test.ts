import { describe, expect, it } from "vitest";
import type { Agent } from "../../../src/agent.ts";
import { statusView } from "../../../src/cli/views/status.ts";
import { spendSection } from "../../../src/dashboard/sections/spend.ts";
import type { JobContext } from "../../../src/jobs/job.ts";
import { CapReached, RunCapped } from "../../../src/rails/halt.ts";
import { statusText } from "../../../src/runner/remote/status-text.ts";
import { ollama } from "../../support/afk.ts";
import { harness } from "../harness.ts";

const HOUR = 3_600_000;

/** A job that asks a model so often, by calls, under a cap of its own. */
async function asking(
  calls: number,
  {
    caps = { daily_calls: 2 } as object,
    budget = {} as object,
    after = (async () => undefined) as (context: JobContext) => Promise<void>,
    isProgram = false,
  } = {},
) {
  const server = await ollama();
  const config = {
    budget: { daily_cap_usd: 1, ...budget },
    models: {
      chain: ["ollama/test-model"],
      providers: { ollama: { base_url: server.url } },
    },
    jobs: [{ name: "work", kind: "work", caps, on_cap: "ask" }],
  };
  const made = await harness(async (context) => {
    for (let n = 0; n < calls; n++)
      await context
        .complete(`call ${n}`, { messages: [{ role: "user", content: `call ${n}` }] })
        .catch((error: unknown) => {
          if (isProgram && error instanceof CapReached)
            throw new RunCapped(error.message, HOUR, error.refusal);
          throw error;
        });
    await after(context);
    return undefined;
  }, config);
  return { ...made, server, config };
}

type Made = Awaited<ReturnType<typeof asking>>;

const runs = ({ target }: Made) => target.query("select key, state, attempts from jobs order by key");
const questions = ({ target }: Made) =>
  target.query("select id, state, kind, subject from questions order by id") as {
    id: string;
    state: string;
    subject: string;
  }[];

/** The run `one`, which has met the cap and waits. */
async function waiting(calls = 3, how: Parameters<typeof asking>[1] = {}) {
  const made = await asking(calls, how);
  await made.agent.enqueue("work", { key: "one" });
  expect(await made.agent.tick()).toMatchObject({ outcome: "halted" });
  const [question] = questions(made);
  return { ...made, id: question?.id ?? "" };
}

const lastAnswer = async (agent: Agent, id: string, isYes: boolean) =>
  (await agent.questions.answer(id, isYes)).text;

describe("a run that met a cap of its job, with on_cap: ask", () => {
  it("waits with nothing reserved, its attempt not counted, and asks once", async () => {
    const made = await waiting();
    expect(runs(made)).toEqual([{ key: "one", state: "ready", attempts: 0 }]);
    expect(questions(made)).toEqual([{ id: made.id, state: "open", kind: "cap", subject: "one" }]);
    expect(made.target.query("select * from ledger where state in ('reserved', 'sending')")).toEqual([]);
    const asked = made.alerts.filter(({ event }) => event === "approval_asked");
    expect(asked.map(({ message }) => message)).toEqual([
      expect.stringMatching(
        /^work met its cap of the day in calls \(2 calls of 2 calls; the next call needs up to 1 call\)\. May this run use up to 2 calls more\? The agent's caps hold\. Answer: afk questions yes \w{8}/,
      ),
    ]);
    made.clock.advance(HOUR);
    expect(await made.agent.tick()).toMatchObject({ outcome: "idle" });
    expect(questions(made)).toHaveLength(1);
  });

  it("is told of by status, page and phone while it waits, and what it was granted while that counts", async () => {
    const made = await waiting(9);
    const { agent, clock } = made;
    const looks = async () => {
      const status = await agent.status();
      const nowMs = clock.nowMs();
      const view = statusView(status, { nowMs, timezone: "UTC", columns: null, rows: null }).join("\n");
      return {
        status,
        view,
        phone: statusText(status, "UTC"),
        page: spendSection({ status, spend: [] }).markup,
      };
    };
    const asked = await looks();
    expect(asked.status.findings[0]).toMatchObject({
      code: "question_open",
      text: "work asks whether it may go on",
      command: "afk questions",
    });
    expect(asked.status.questions).toMatchObject([{ id: made.id, job: "work", run: "one" }]);
    expect(asked.view).toMatch(/needs you: work asks whether it may go on.*\n.*\n/);
    expect(asked.view).toMatch(/^questions +work asks whether it may go on: work met its cap/m);
    expect(asked.phone).toContain("work asks whether it may go on");

    await agent.questions.answer(made.id, true);
    const granted = await looks();
    const told = "the run one may use 2 calls more than its day cap in calls of 2 calls";
    expect(granted.status.findings.map(({ code, detail }) => [code, detail])).toEqual([
      ["cap_refuses", told],
    ]);
    expect(granted.status.grants).toMatchObject([
      { run: "one", window: "day", unit: "calls", cap: 2, extra: 2 },
    ]);
    for (const text of [granted.view, granted.phone, granted.page]) expect(text).toContain(told);

    // What is over counts for nothing, and is not told of.
    clock.advance(24 * HOUR);
    const over = await looks();
    expect(over.status).toMatchObject({ questions: [], grants: [] });
  });

  it("sees at the gateway the cap that holds for it", async () => {
    const seen: unknown[] = [];
    const made = await asking(3, {
      after: async (context) => {
        await using gateway = await context.openGateway();
        const headers = { authorization: `Bearer ${gateway.key}` };
        const reply = await fetch(`${gateway.url}/afk/v1/budget`, { headers });
        seen.push(await reply.json());
      },
    });
    await made.agent.enqueue("work", { key: "one" });
    await made.agent.tick();
    await made.agent.questions.answer(questions(made)[0]?.id ?? "", true);
    expect(await made.agent.tick()).toMatchObject({ outcome: "ok" });
    expect(seen).toMatchObject([
      {
        caps: expect.arrayContaining([
          expect.objectContaining({ scope: "job:work", cap: 4, spent: 3, remaining: 1 }),
        ]),
      },
    ]);
  });

  it("goes on at once after a yes, and buys nothing again", async () => {
    const made = await waiting();
    expect(await lastAnswer(made.agent, made.id, true)).toBe(
      "Yes: the run one may use up to 2 calls more; the agent's caps hold.",
    );
    expect(await made.agent.tick()).toMatchObject({ outcome: "ok" });
    expect(runs(made)).toEqual([{ key: "one", state: "done", attempts: 1 }]);
    expect(made.server.requests).toHaveLength(3);
    expect(made.target.query("select job, extra, cap from cap_grants")).toEqual([
      { job: "one", extra: 2, cap: 2 },
    ]);
  });

  it("waits for its window after a no, and when nobody answers", async () => {
    for (const isAnswered of [true, false]) {
      const made = await waiting();
      if (isAnswered) expect(await lastAnswer(made.agent, made.id, false)).toBe("No: one waits for its cap.");
      made.clock.advance(HOUR);
      expect(await made.agent.tick()).toMatchObject({ outcome: "idle" });
      made.clock.advance(24 * HOUR);
      expect(await made.agent.tick()).toMatchObject({ outcome: "ok" });
      expect(questions(made)).toHaveLength(1);
      expect(made.target.query("select * from cap_grants")).toEqual([]);
    }
  });

  it("begins its program again no oftener than with halt, once the time to answer is over", async () => {
    const made = await waiting(3, { caps: { run_calls: 2 }, isProgram: true });
    expect(await lastAnswer(made.agent, made.id, false)).toBe("No: one waits for its cap.");
    made.clock.advance(25 * HOUR);
    for (let hours = 0; hours < 2; hours++) {
      expect(await made.agent.tick()).toMatchObject({ outcome: "halted" });
      made.clock.advance(HOUR / 2);
      expect(await made.agent.tick()).toMatchObject({ outcome: "idle" });
      made.clock.advance(HOUR / 2);
    }
    expect(questions(made)).toHaveLength(1);
  });

  it("is asked about once: what it was granted is all that it gets", async () => {
    const made = await waiting(9);
    await made.agent.questions.answer(made.id, true);
    expect(await made.agent.tick()).toMatchObject({ outcome: "halted" });
    expect(made.server.requests).toHaveLength(4);
    expect(questions(made).map(({ state }) => state)).toEqual(["yes"]);
    expect(runs(made)).toEqual([{ key: "one", state: "ready", attempts: 0 }]);
  });

  it("gives nothing to another run of the job, which asks for itself", async () => {
    const made = await waiting();
    await made.agent.questions.answer(made.id, true);
    await made.agent.enqueue("work", { key: "two" });
    made.clock.advance(1);
    await made.agent.tick();
    expect(questions(made).map(({ subject, state }) => `${subject} ${state}`)).toEqual([
      "one yes",
      "two open",
    ]);
    expect(runs(made)).toEqual([
      { key: "one", state: "done", attempts: 1 },
      { key: "two", state: "ready", attempts: 0 },
    ]);
    expect(made.server.requests).toHaveLength(3);
  });

  it("takes a second yes, and one after the run has ended, for nothing", async () => {
    const made = await waiting();
    await made.agent.questions.answer(made.id, true);
    expect(await made.agent.questions.answer(made.id, true)).toMatchObject({ isTaken: false });
    expect(made.target.query("select extra from cap_grants")).toEqual([{ extra: 2 }]);

    const other = await waiting();
    await other.agent.store.atomically((trx) => trx.updateTable("jobs").set({ state: "done" }).execute());
    expect(await other.agent.questions.answer(other.id, true)).toEqual({
      isTaken: false,
      text: "that run is over; nothing was allowed.",
    });
    expect(other.target.query("select * from cap_grants")).toEqual([]);
  });

  it("grants nothing where the cap was lowered since", async () => {
    const made = await waiting();
    const jobs = [{ ...made.config.jobs[0], caps: { daily_calls: 1 } }];
    const again = await made.reopen({ ...made.config, jobs });
    expect(await lastAnswer(again, made.id, true)).toMatch(
      /^the cap of work was lowered since; nothing was allowed/,
    );
    expect(made.target.query("select * from cap_grants")).toEqual([]);
    expect(made.target.query("select state from questions")).toEqual([{ state: "no" }]);
  });

  it("does not ask where a cap of the agent refuses too: a yes would not help", async () => {
    const made = await asking(3, { budget: { daily_cap_calls: 2 } });
    await made.agent.enqueue("work", { key: "one" });
    expect(await made.agent.tick()).toMatchObject({ outcome: "halted" });
    expect(questions(made)).toEqual([]);
  });

  it("says that ask is about caps of the job, where it has none", async () => {
    const made = await asking(1);
    const jobs = [{ name: "work", kind: "work", on_cap: "ask" }];
    await expect(made.reopen({ ...made.config, jobs })).rejects.toThrow(
      "jobs[0].on_cap: ask is about caps of this job; write one beside it, for example caps: { daily_usd: 0.30 }",
    );
  });
});
