// @module-tag processes
import stringWidth from "string-width";
import { describe, expect, it, onTestFinished } from "vitest";
import { type Agent, openAgent } from "../../../src/agent.ts";
import { newId } from "../../../src/lib/ids.ts";
import { type Deployment, deployment } from "../../support/afk.ts";
import { afk, afkJson, tick } from "./in-process.ts";

const LONG = "weekly-market-research-of-the-northern-region";
const ERROR = `job ${LONG}: ./scripts/collect-and-compare.sh exited with 1: ${"Traceback (most recent call last): ".repeat(6)}ValueError: no rows`;

describe("a table at 80 columns", () => {
  it.each([
    ["jobs"],
    ["jobs", "show", LONG],
    ["dead"],
    ["dead", "show", LONG],
    ["ledger"],
    ["ledger", "--by", "job"],
    ["ledger", "--by", "session"],
    ["drafts"],
    ["incidents"],
    ["incidents", "--all"],
    ["key"],
    ["drill", "--list"],
    ["report"],
    ["resume"],
    ["alert", "test"],
  ])("fits: afk %s %s %s", async (...words) => {
    const { target } = await busy();
    const { stdout } = await afk(target, ...words.filter((word) => word !== undefined));
    const lines = stdout.split("\n");
    expect(lines.length).toBeGreaterThan(1);
    expect(lines.filter((line) => stringWidth(line) > 80)).toEqual([]);
    // No instant as programs write it, but within a key.
    expect(stdout.replace(/\s+/g, "").replace(/@(?:hand:)?\S+?Z/g, "")).not.toMatch(/\d{4}-\d{2}-\d{2}T/);
  });

  it("shows ids that each command takes for the whole", async () => {
    const { target, ids } = await busy();
    const show = async (...words: string[]) => (await afkJson(target, ...words)).json;
    for (const word of [ids.job.slice(-8), ids.job.slice(0, 20), ids.key, ids.key.slice(0, 60), LONG])
      expect(await show("jobs", "show", word), word).toMatchObject({ id: ids.job, state: "dead" });
    expect(await show("dead", "show", ids.job.slice(-8))).toMatchObject({ job_id: ids.job });
    expect(await show("drafts", "show", ids.draft.slice(-8))).toMatchObject({ draft: { id: ids.draft } });
    expect(await show("incidents", "show", ids.incident.slice(-8))).toMatchObject({ id: ids.incident });
    expect(await show("ledger", "reconcile", ids.unknown.slice(-8), "--usd", "0")).toMatchObject({
      id: ids.unknown,
    });
    const trace = await afk(target, "logs", "--job", ids.job.slice(-8), "--json");
    expect(trace.stdout).toContain(`"job":"${ids.key}"`);
  });

  it("does nothing where a short id may mean two things", async () => {
    const { target, ids } = await busy();
    // Both were made in the same millisecond, so they begin alike.
    const { code, json } = await afkJson(target, "drafts", "reject", ids.draft.slice(0, 6));
    expect(code).toBe(1);
    expect(json).toMatchObject({ error: { code: "ambiguous", message: expect.stringContaining(ids.draft) } });
    expect(target.query("select distinct state from drafts")).toEqual([{ state: "pending" }]);
    // What is hardly anything means nothing.
    expect((await afkJson(target, "drafts", "reject", ids.draft.slice(-2))).json).toMatchObject({
      error: { message: expect.stringContaining("no draft") },
    });
  });
});

interface Ids {
  job: string;
  key: string;
  draft: string;
  incident: string;
  unknown: string;
}

/** A state with long names and long errors in every table. */
async function busy(): Promise<{ target: Deployment; ids: Ids }> {
  const target = deployment({
    agent: "an-agent-with-a-rather-long-name-as-companies-give",
    budget: { daily_cap_usd: 1 },
    models: { chain: ["extractive"] },
    alerts: [{ type: "webhook", url: "http://127.0.0.1:1/a-long-path-of-a-webhook-that-nobody-answers-at" }],
    gateway: { clients: [{ name: "the-laptop-of-the-research-department-upstairs" }] },
    jobs: [{ name: LONG, kind: "exec", every: "1d", retry: { attempts: 1 }, command: ["false"] }],
  });
  await tick(target);
  await afk(target, "key", "make", "the-laptop-of-the-research-department-upstairs");
  const agent = await openAgent({ config: target.configFile, state: target.state, environment: {} });
  onTestFinished(() => agent.close());
  const ids = await fill(agent);
  return { target, ids };
}

async function fill(agent: Agent): Promise<Ids> {
  const { rails, store } = agent;
  const nowMs = rails.clock.nowMs();
  const id = () => newId(nowMs);
  const { db } = store;
  const job = await db.selectFrom("jobs").select(["id", "key"]).executeTakeFirstOrThrow();
  for (const state of ["unknown", "settled"]) {
    const call = () =>
      state === "settled" ? Promise.resolve({ value: 1, costUsd: 0.001 }) : Promise.reject(new Error(ERROR));
    await agent.guard(`search-${state}`, 0.001234, call).catch(() => undefined);
  }
  const calls = await db.selectFrom("ledger").select(["id", "state"]).execute();
  const unknown = calls.find(({ state }) => state === "unknown")?.id ?? "";
  const model = "anthropic/claude-haiku-4-5-with-a-long-suffix";
  const figures = { input_tokens: 1_234_567, output_tokens: 65_432, degraded: 1, session: LONG };
  await db
    .updateTable("ledger")
    .set({ model, job: job.key, job_name: LONG, ...figures })
    .execute();
  const ids = { job: job.id, key: job.key, draft: id(), incident: id(), unknown };
  await db.updateTable("jobs").set({ error: ERROR }).execute();
  await db.updateTable("dead_letters").set({ error: ERROR }).execute();
  const draft = { job_id: job.id, action: "github_comment_on_an_issue", content: "{}" };
  const undecided = { attempted_at: null, decided_at: null, summary: null, error: null };
  for (const draftId of [ids.draft, id()])
    await db
      .insertInto("drafts")
      .values({
        ...{ id: draftId, ...draft, ...undecided, name: draftId + ERROR, state: "pending" },
        created_at: nowMs,
      })
      .execute();
  const incident = { event: "breaker_open", title: ERROR, count: 12_345, tick: null, job: job.key };
  const words = { config_hash: null, cause: null, fix: null, prevention: null, fixed_by: null };
  for (const [incidentId, closed] of [
    [ids.incident, null],
    [id(), nowMs],
  ] as const)
    await db
      .insertInto("incidents")
      .values({
        ...{ id: incidentId, ...incident, ...words, subject: incidentId },
        ...{ opened_at: 0, last_at: nowMs, recovered_at: closed, closed_at: closed },
        ...(closed === null ? {} : { cause: "-", fix: "-", prevention: "-" }),
      })
      .execute();
  return ids;
}
