// @module-tag processes
import { describe, expect, onTestFinished, test } from "vitest";
import type { Agent } from "../../../src/agent.ts";
import { createOutgoing } from "../../../src/egress/send.ts";
import { systemClock } from "../../../src/lib/clock.ts";
import { silentLog } from "../../../src/lib/log.ts";
import { findDraft, listDrafts } from "../../../src/ops/drafts.ts";
import { approveDraft } from "../../../src/runner/drafts/drafts.ts";
import { claimDraft, endDraft } from "../../../src/runner/drafts/state.ts";
import { acquireLock } from "../../../src/store/sqlite/lock.ts";
import {
  type ActionServer,
  actionServer,
  agentWith,
  answering,
  closedPort,
  drafted,
  hang,
  jobThat,
} from "../../support/drafting.ts";
import { testStore } from "../../support/store.ts";

const once = { isAgain: false };
const again = { isAgain: true };

/** One draft of a POST to this server, and the agent that has it. */
async function oneDraft(server: Pick<ActionServer, "origin">, options: { egress?: object } = {}) {
  const { ids, ...rest } = await drafted(
    [{ content: { url: `${server.origin}/hook`, json: { note: "CONTENT" } } }],
    options,
  );
  return { id: ids[0]!, ...rest };
}

async function stateOf(agent: Agent, id: string) {
  const row = await agent.rails.store.db
    .selectFrom("drafts")
    .select(["state", "error", "summary"])
    .where("id", "=", id)
    .executeTakeFirstOrThrow();
  return row;
}

/** A draft that was tried, with an outcome that is not known. */
async function doubtful(server: ActionServer) {
  const before = server.answer;
  server.answer = (response) => void response.destroy();
  const draft = await oneDraft(server);
  expect(await draft.agent.drafts.approve(draft.id, once)).toMatchObject({ state: "unknown" });
  server.answer = before;
  return draft;
}

describe("a job drafts", () => {
  test("and nothing is sent, but a person is told and status counts it", async () => {
    const server = await actionServer();
    const { agent, id } = await oneDraft(server);
    expect(await stateOf(agent, id)).toEqual({ state: "pending", error: null, summary: null });
    const alerts = await agent.rails.store.db.selectFrom("alerts").select("key").execute();
    expect(alerts).toEqual([{ key: `draft_pending:${id}` }]);
    expect((await agent.status()).drafts).toEqual({ pending: 1, unknown: 0 });
    await agent.tick();
    expect(server.connections()).toBe(0);
  });

  test.each([
    ["an unknown action", (c) => c.draft("a", "send_money", { url: "https://a.test/" })],
    ["content that the schema refuses", (c) => c.draft("a", "post", { url: "ftp://a.test/" })],
    ["content that is no JSON", (c) => c.draft("a", "post", { url: "https://a.test/", json: 1n })],
    ["no content", (c) => c.draft("a", "post", undefined)],
    ["an empty name", (c) => c.draft("", "post", { url: "https://a.test/" })],
    ["a name that moves the cursor", (c) => c.draft("a\u001b[2J", "post", { url: "https://a.test/" })],
    [
      "the same name twice",
      (c) => {
        c.draft("a", "post", { url: "https://a.test/" });
        c.draft("a", "post", { url: "https://b.test/" });
      },
    ],
    [
      "more than a person reads",
      (c) => {
        for (let n = 0; n <= 100; n++) c.draft(`${n}`, "post", { url: "https://a.test/" });
      },
    ],
  ] satisfies [string, Parameters<typeof jobThat>[0]][])(
    "%s: the job fails for good, and nothing of it is kept",
    async (_name, draft) => {
      let runs = 0;
      const kind = jobThat((context) => {
        runs += 1;
        context.publish("file.md", "text");
        draft(context);
      });
      const { agent } = await agentWith(kind);
      await agent.tick();
      const { db } = agent.rails.store;
      expect(runs).toBe(1);
      expect(await db.selectFrom("jobs").select("state").execute()).toEqual([{ state: "dead" }]);
      expect(await db.selectFrom("drafts").selectAll().execute()).toEqual([]);
      expect(await db.selectFrom("outputs").selectAll().execute()).toEqual([]);
      const events = await db.selectFrom("alerts").select("event").execute();
      expect(events).toEqual([{ event: "job_dead" }]);
    },
  );

  test("what the job changes afterwards is not in the draft", async () => {
    const kind = jobThat((context) => {
      const content = { url: "https://a.test/", json: ["before"] };
      context.draft("a", "post", content);
      content.url = "file:///etc/passwd";
      content.json[0] = "after";
    });
    const { agent } = await agentWith(kind);
    await agent.tick();
    const [draft] = await listDrafts(agent.rails.store.db, { all: false, limit: 10 });
    const detail = await findDraft(agent.rails.store.db, draft!.id);
    expect(detail?.content).toEqual({ url: "https://a.test/", json: ["before"] });
  });
});

describe("approving", () => {
  test("sends it once, writes that down, and logs it without its content", async () => {
    const server = await actionServer();
    const { agent, id, target } = await oneDraft(server);
    const summary = `POST to 127.0.0.1:${server.port} was answered with 201`;
    expect(await agent.drafts.approve(id, once)).toEqual({ id, state: "done", summary });
    expect(server.received).toMatchObject([{ method: "POST", path: "/hook", body: '{"note":"CONTENT"}' }]);
    expect(server.received[0]?.headers["idempotency-key"]).toBe(id);
    expect(await findDraft(agent.rails.store.db, id)).toMatchObject({
      state: "done",
      summary,
      error: null,
      attemptedAt: expect.any(String),
      decidedAt: expect.any(String),
    });
    const lines = target.logs().filter(({ event }) => event.startsWith("draft_d"));
    expect(lines).toMatchObject([{ level: "info", event: "draft_done", draft: id, summary }]);
    expect(JSON.stringify(target.logs())).not.toContain("CONTENT");
    expect((await agent.status()).drafts).toEqual({ pending: 0, unknown: 0 });
  });

  test.each([once, again])("a second time is refused, whatever is said (%j)", async (options) => {
    const server = await actionServer();
    const { agent, id } = await oneDraft(server);
    await agent.drafts.approve(id, once);
    await expect(agent.drafts.approve(id, options)).rejects.toMatchObject({ code: "draft_settled" });
    expect(server.received).toHaveLength(1);
  });

  test("twice at once sends once; the other is told that it did nothing", async () => {
    const server = await actionServer();
    const { agent, id } = await oneDraft(server);
    const results = await Promise.allSettled([1, 2, 3].map(() => agent.drafts.approve(id, once)));
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    for (const result of results) {
      if (result.status === "rejected") expect(["locked", "draft_settled"]).toContain(result.reason.code);
    }
    expect(server.received).toHaveLength(1);
  });

  test("something that does not exist is refused", async () => {
    const { agent } = await oneDraft(await actionServer());
    const { approve, reject, preview } = agent.drafts;
    for (const work of [() => approve("no", once), () => reject("no"), () => preview("no")])
      await expect(work()).rejects.toMatchObject({ code: "unknown_draft" });
  });

  test("does not wait for a tick that is at work", async () => {
    const server = await actionServer();
    const { agent, id } = await oneDraft(server);
    const lock = acquireLock(agent.config.paths.lock);
    onTestFinished(() => lock.release());
    expect(await agent.drafts.approve(id, once)).toMatchObject({ state: "done" });
  });
});

describe("what is certainly not done waits again, with the reason", () => {
  test.each([400, 401, 403, 404, 409, 422])("answer %d", async (status) => {
    const server = await actionServer(answering(status));
    const { agent, id, target } = await oneDraft(server);
    expect(await agent.drafts.approve(id, once)).toMatchObject({ id, state: "pending" });
    expect(await stateOf(agent, id)).toMatchObject({
      state: "pending",
      error: expect.stringContaining(`${status}`),
    });
    expect(target.logs().at(-1)).toMatchObject({
      level: "warn",
      event: "draft_failed",
      draft: id,
      state: "pending",
      summary: `status_${status}`,
    });
    server.answer = answering(200);
    expect(await agent.drafts.approve(id, once)).toMatchObject({ state: "done" });
    const keys = server.received.map(({ headers }) => headers["idempotency-key"]);
    expect(keys).toEqual([id, id]);
    expect(await stateOf(agent, id)).toMatchObject({ error: null });
  });

  test("a refused connection", async () => {
    const { agent, id } = await oneDraft({ origin: `http://127.0.0.1:${await closedPort()}` });
    expect(await agent.drafts.approve(id, once)).toMatchObject({
      state: "pending",
      error: expect.stringContaining("ECONNREFUSED"),
    });
    expect((await agent.status()).drafts).toEqual({ pending: 1, unknown: 0 });
  });

  test.each([
    ["a host that is not allowed", { allow: ["other.test"], allow_private: [] }, "egress.allow"],
    ["a private address that is not allowed", { allow_private: [] }, "egress.allow_private"],
  ])("%s", async (_name, egress, message) => {
    const server = await actionServer();
    const { agent, id } = await oneDraft(server, { egress });
    const { request, refusal } = await agent.drafts.preview(id);
    expect(refusal).toContain(message);
    expect(request).toMatchObject({ url: `${server.origin}/hook`, body: '{"note":"CONTENT"}' });
    expect(await agent.drafts.approve(id, once)).toMatchObject({
      state: "pending",
      error: expect.stringContaining(message),
    });
    expect(server.connections()).toBe(0);
  });

  test("a host that asked not to be called", async () => {
    const server = await actionServer(answering(429, { "retry-after": "900" }));
    const { agent, id } = await oneDraft(server);
    expect(await agent.drafts.approve(id, once)).toMatchObject({ state: "pending" });
    expect(await agent.drafts.approve(id, once)).toMatchObject({
      state: "pending",
      error: expect.stringContaining("not to be called"),
    });
    expect(server.received).toHaveLength(1);
  });
});

describe("what may have been done is unknown", () => {
  test.each([
    ["an error of the server", answering(500), "500"],
    ["a gateway's time-out", answering(504), "504"],
    ["a redirect, which is not followed", answering(303, { location: "/done" }), "303"],
    ["a temporary redirect, which is not followed", answering(307, { location: "/" }), "307"],
    [
      "a broken connection",
      ((response) => response.destroy()) as ActionServer["answer"],
      "may have been done",
    ],
  ])("%s", async (_name, answer, reason) => {
    const server = await actionServer(answer);
    const { agent, id, target } = await oneDraft(server);
    expect(await agent.drafts.approve(id, once)).toMatchObject({
      state: "unknown",
      error: expect.stringContaining(reason),
    });
    expect(server.received.map(({ path }) => path)).toEqual(["/hook"]);
    expect((await agent.status()).drafts).toEqual({ pending: 0, unknown: 1 });
    expect(target.logs().at(-1)).toMatchObject({ event: "draft_failed", draft: id, state: "unknown" });
  });

  test("no answer in time", async () => {
    const server = await actionServer(hang);
    const { agent, id } = await oneDraft(server);
    const { config, rails, outbox, log } = agent;
    const outgoing = createOutgoing({
      db: rails.store.db,
      config: config.egress,
      agentVersion: "1",
      clock: systemClock,
      log: silentLog,
      limits: { timeoutMs: 300 },
    });
    onTestFinished(() => outgoing.close());
    const parts = { config, store: rails.store, outbox, rails, clock: systemClock, log, outgoing };
    expect(await approveDraft(parts, id, once)).toMatchObject({
      state: "unknown",
      error: expect.stringContaining("took too long"),
    });
  });

  test("and is done again only when a person says so, under the same key", async () => {
    const server = await actionServer();
    const { agent, id } = await doubtful(server);
    const refused = await agent.drafts.approve(id, once).catch((error: Error) => error);
    expect(refused).toMatchObject({ code: "draft_unknown", message: expect.stringContaining("--again") });
    expect(server.received).toHaveLength(1);
    expect(await agent.drafts.approve(id, again)).toMatchObject({ state: "done" });
    expect(server.received.map(({ headers }) => headers["idempotency-key"])).toEqual([id, id]);
  });

  test("a later try that did nothing leaves it unknown, since the earlier one may have done it", async () => {
    const server = await actionServer(answering(422));
    const { agent, id } = await doubtful(server);
    expect(await agent.drafts.approve(id, again)).toMatchObject({
      state: "unknown",
      error: expect.stringContaining("earlier"),
    });
    await expect(agent.drafts.approve(id, once)).rejects.toMatchObject({ code: "draft_unknown" });
    expect(server.received).toHaveLength(2);
  });

  test("--again is no way round for what was never tried", async () => {
    const server = await actionServer();
    const { agent, id } = await oneDraft(server);
    await expect(agent.drafts.approve(id, again)).rejects.toMatchObject({ code: "draft_untried" });
    expect(server.connections()).toBe(0);
  });
});

describe("an approval whose process died", () => {
  async function orphan(server: ActionServer) {
    const draft = await oneDraft(server);
    await draft.agent.rails.store.db
      .updateTable("drafts")
      .set({ state: "approving", attempted_at: 1 })
      .where("id", "=", draft.id)
      .execute();
    return draft;
  }

  test("is shown as unknown, by looking alone", async () => {
    const { agent, id } = await orphan(await actionServer());
    const { db } = agent.rails.store;
    expect(await listDrafts(db, { all: false, limit: 10 })).toMatchObject([{ id, state: "unknown" }]);
    expect(await findDraft(db, id)).toMatchObject({
      state: "unknown",
      error: expect.stringContaining("may have been done"),
    });
    expect((await agent.status()).drafts).toEqual({ pending: 0, unknown: 1 });
    expect((await stateOf(agent, id)).state).toBe("approving");
  });

  test("is not done again without the word for it", async () => {
    const server = await actionServer();
    const { agent, id } = await orphan(server);
    await expect(agent.drafts.approve(id, once)).rejects.toMatchObject({ code: "draft_unknown" });
    expect(server.connections()).toBe(0);
    expect((await stateOf(agent, id)).state).toBe("unknown");
    expect(await agent.drafts.approve(id, again)).toMatchObject({ state: "done" });
  });

  test("can be closed", async () => {
    const { agent, id } = await orphan(await actionServer());
    expect(await agent.drafts.reject(id)).toEqual({ wasUnknown: true });
  });
});

describe("the kill switch", () => {
  test.each(["row", "file"])("(%s) set before: nothing is sent, and the draft waits", async (by) => {
    const server = await actionServer();
    const { agent, id, target } = await oneDraft(server);
    if (by === "file") target.write("state/STOP", "");
    else await target.afk(["stop"]);
    await expect(agent.drafts.approve(id, once)).rejects.toMatchObject({ code: "killed" });
    expect(server.connections()).toBe(0);
    expect(await stateOf(agent, id)).toEqual({ state: "pending", error: null, summary: null });
    const alerts = await agent.rails.store.db.selectFrom("alerts").select("event").execute();
    expect(alerts).toContainEqual({ event: "kill_set" });
  });

  test.each(["row", "file"])(
    "(%s) set in flight: the request is aborted and its outcome unknown",
    async (by) => {
      const closed = Promise.withResolvers<void>();
      const server = await actionServer((response) => void response.on("close", closed.resolve));
      const { agent, id, target } = await oneDraft(server);
      const approving = agent.drafts.approve(id, once);
      await server.arrived(1);
      if (by === "file") target.write("state/STOP", "");
      else await target.afk(["stop"]);
      expect(await approving).toMatchObject({
        state: "unknown",
        error: expect.stringContaining("kill switch"),
      });
      await closed.promise;
      expect(server.received).toHaveLength(1);
    },
  );

  test("set while it waits for the host's pace: nothing is sent, and the draft waits", async () => {
    const server = await actionServer();
    const content = { url: server.origin };
    const { agent, ids, target } = await drafted([{ content }, { content }], {
      egress: { requests_per_minute: 1 },
    });
    await agent.drafts.approve(ids[0]!, once);
    const approving = agent.drafts.approve(ids[1]!, once);
    while ((await stateOf(agent, ids[1]!)).state !== "approving");
    target.write("state/STOP", "");
    expect(await approving).toMatchObject({
      state: "pending",
      error: expect.stringContaining("kill switch"),
    });
    expect(server.received).toHaveLength(1);
  });
});

describe("rejecting", () => {
  test("closes it for good, and is logged", async () => {
    const server = await actionServer();
    const { agent, id, target } = await oneDraft(server);
    expect(await agent.drafts.reject(id)).toEqual({ wasUnknown: false });
    for (const options of [once, again])
      await expect(agent.drafts.approve(id, options)).rejects.toMatchObject({ code: "draft_settled" });
    await expect(agent.drafts.reject(id)).rejects.toMatchObject({ code: "draft_settled" });
    expect(server.connections()).toBe(0);
    expect(target.logs().filter(({ event }) => event === "draft_rejected")).toMatchObject([
      { level: "info", draft: id },
    ]);
    expect((await agent.status()).drafts).toEqual({ pending: 0, unknown: 0 });
  });

  test("closes what is unknown, and keeps why it is", async () => {
    const { agent, id } = await doubtful(await actionServer());
    expect(await agent.drafts.reject(id)).toEqual({ wasUnknown: true });
    expect(await stateOf(agent, id)).toMatchObject({
      state: "rejected",
      error: expect.stringContaining("may have been done"),
    });
  });

  test("what is done is refused, and so is what is being approved", async () => {
    const server = await actionServer(hang);
    const { agent, id } = await oneDraft(server);
    const approving = agent.drafts.approve(id, once);
    await server.arrived(1);
    await expect(agent.drafts.reject(id)).rejects.toMatchObject({ code: "locked" });
    agent.rails.watch.trip({ by: "signal", at: 0, reason: "test" });
    expect(await approving).toMatchObject({ state: "unknown" });

    const { agent: other, id: done } = await oneDraft(await actionServer());
    await other.drafts.approve(done, once);
    await expect(other.drafts.reject(done)).rejects.toMatchObject({ code: "draft_settled" });
  });
});

describe("in the database", () => {
  test("one of two connections gets a claim, and only its holder writes the outcome", async () => {
    const { agent, id } = await oneDraft(await actionServer());
    const { store } = agent.rails;
    const other = await testStore(agent.config.paths.database);
    const [mine, theirs] = [
      { id, from: "pending", attemptedMs: 1 },
      { id, from: "pending", attemptedMs: 2 },
    ] as const;
    expect(await store.atomically((trx) => claimDraft(trx, mine))).toBe(true);
    expect(await other.atomically((trx) => claimDraft(trx, theirs))).toBe(false);
    const done = { state: "done", summary: "done" } as const;
    expect(await other.atomically((trx) => endDraft(trx, theirs, done, 3))).toBe(false);
    expect(await store.atomically((trx) => endDraft(trx, mine, done, 3))).toBe(true);
    expect(await store.atomically((trx) => endDraft(trx, mine, done, 3))).toBe(false);
  });

  test.each([
    ["a state that does not exist", { state: "approved" as never }],
    ["done without what was done", { state: "done", attempted_at: 1, decided_at: 1 }],
    ["done without a try", { state: "done", decided_at: 1, summary: "s" }],
    ["unknown without a try", { state: "unknown" }],
    ["approving without its time", { state: "approving" }],
    ["rejected without its time", { state: "rejected" }],
    ["pending with the time of a decision", { state: "pending", decided_at: 1 }],
  ] as const)("%s is refused", async (_name, values) => {
    const { agent, id } = await oneDraft(await actionServer());
    const update = agent.rails.store.db.updateTable("drafts").set(values).where("id", "=", id).execute();
    await expect(update).rejects.toThrow("CHECK constraint failed");
  });
});
