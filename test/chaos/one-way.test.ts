// @module-tag slow
import { readFileSync } from "node:fs";
import fc from "fast-check";
import * as v from "valibot";
import { expect, it } from "vitest";
import { type Agent, openAgent } from "../../src/agent.ts";
import { remotesOf } from "../../src/config/remote.ts";
import type { JobContext } from "../../src/jobs/job.ts";
import { createRemoteQuestions } from "../../src/runner/questions/phone-questions.ts";
import type { RemoteQuestions } from "../../src/runner/remote/message.ts";
import { createReceiver } from "../../src/runner/remote/receive.ts";
import type { Incoming } from "../../src/runner/remote/transport.ts";
import { createVerbs } from "../../src/runner/remote/verbs.ts";
import { acquireLock } from "../../src/store/sqlite/lock.ts";
import { type Deployment, deployment, ollama } from "../support/afk.ts";
import { cases, chaosSeed, patience, report } from "../support/chaos.ts";
import { actionServer } from "../support/drafting.ts";
import { type FakeClock, fakeClock } from "../support/fake-clock.ts";

const MODEL_NAMES = ["blocked", "open"];
const FAR = Date.parse("2027-01-01T00:00:00Z");

/** What a run of the job does: all that a program, an item or a model could make it do. */
type Deed =
  | { do: "draft"; name: string; word: string }
  | { do: "complete"; n: number }
  | { do: "keep"; key: string }
  | { do: "request"; method: string; path: string; header: string; body: string };

/** A message of the phone, and how it is sent. */
interface Sent {
  text: string;
  from: "owner" | "stranger";
  isEdited: boolean;
  isForwarded: boolean;
  ageMs: number;
}

type Step =
  | { type: "run"; job: string; deeds: Deed[] }
  | { type: "ask" }
  | { type: "tick" }
  | { type: "program" }
  | { type: "wait"; ms: number }
  | { type: "say"; message: Sent }
  | { type: "answer"; verb: string; which: number; mangle: string; message: Omit<Sent, "text"> }
  | { type: "repeat"; which: number };

const WORDS = [
  ...[
    "resume",
    "/resume",
    "afk resume",
    "RESUME now",
    "unpause other",
    "unpause work",
    "start",
    "go on",
    "continue",
  ],
  ...[
    "raise daily_cap_usd 100",
    "cap 5",
    "budget: { daily_cap_usd: 9 }",
    "grant work 5",
    "set caps off",
    "yes",
    "approve",
  ],
  ...[
    "approve all",
    "approve AAAA2222",
    "yes 22222222",
    "reject",
    "no",
    "run work",
    "enqueue other",
    "key make me",
  ],
  ...[
    "adopt",
    "restore",
    "clear kill",
    "status",
    "help",
    "pause work",
    "pause nobody",
    "stop",
    "stop it, please",
  ],
  ...["‮emuser", "approve ", "yes; resume", "stop\nresume", "questions yes 1", "drafts approve 1"],
];
const word = fc.constantFrom(...WORDS);

const deed: fc.Arbitrary<Deed> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("draft" as const), name: fc.oneof(word, fc.string()), word }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("complete" as const), n: fc.nat(6) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("keep" as const), key: word }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("request" as const),
      method: fc.constantFrom("GET", "POST", "PUT", "PATCH", "DELETE"),
      path: fc.constantFrom(
        ...[
          "/api/chat",
          "/v1/chat/completions",
          "/v1/messages",
          "/afk/v1/budget",
          "/afk/v1/resume",
          "/afk/v1/caps",
        ],
        ...["/afk/v1/keys", "/k/KEY/afk/v1/budget", "/resume", "/drafts/approve", "/../resume", "/healthz"],
      ),
      header: fc.constantFrom(
        "x-afk-cap",
        "x-afk-resume",
        "x-http-method-override",
        "x-afk-grant",
        "x-forwarded-for",
      ),
      body: fc.oneof(
        word,
        fc.constant('{"model":"test-model","messages":[],"caps":{"daily_calls":99},"resume":true}'),
      ),
    }),
  },
);

const rarely = fc.constantFrom(false, false, false, false, false, false, false, true);
const how = fc.record({
  from: rarely.map((isStrange) => (isStrange ? ("stranger" as const) : ("owner" as const))),
  isEdited: rarely,
  isForwarded: rarely,
  ageMs: fc.constantFrom(0, 0, 0, 0, 0, 0, 1_000, 11 * 60_000, 2 * 3_600_000),
});

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant("run" as const),
      job: fc.constantFrom("work", "work", "work", "other"),
      deeds: fc.array(deed, { minLength: 1, maxLength: 5 }),
    }),
  },
  { weight: 4, arbitrary: fc.constant({ type: "ask" as const }) },
  { weight: 2, arbitrary: fc.constant({ type: "tick" as const }) },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant("wait" as const), ms: fc.constantFrom(1_000, 61_000, 130_000) }),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(fc.oneof(word, fc.string()), how).map(([text, rest]) => ({
      type: "say" as const,
      message: { text, ...rest },
    })),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      type: fc.constant("answer" as const),
      verb: fc.constantFrom("approve", "approve", "yes", "yes", "reject", "no", "APPROVE", "/yes", "resume"),
      which: fc.nat(20),
      mangle: fc.constantFrom("", "", "", "", "", "drop", "add", "old"),
      message: how,
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("repeat" as const), which: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.constant({ type: "program" as const }) },
);

const PATHS = [
  ...[
    "/api/chat",
    "/v1/chat/completions",
    "/v1/messages",
    "/afk/v1/budget",
    "/afk/v1/resume",
    "/afk/v1/caps",
  ],
  ...["/afk/v1/keys", "/afk/v1/questions", "/resume", "/drafts/approve", "/../resume", "/healthz"],
];

/** A real program of an exec job: it asks on every path with the run's key and a client's, and hands in drafts. */
const PROGRAM = `
const { writeFileSync } = require("node:fs");
const { AFK_GATEWAY, AFK_KEY, AFK_RESULT } = process.env;
const [client, actions] = process.argv.slice(1);
const body = JSON.stringify({ model: "test-model", messages: [], caps: { daily_calls: 99 }, resume: true });
(async () => {
  const statuses = [];
  for (const path of ${JSON.stringify(PATHS)})
    for (const key of [AFK_KEY, client])
      for (const method of ["GET", "POST", "PUT", "DELETE"]) {
        const headers = { authorization: "Bearer " + key, "content-type": "application/json", "x-afk-grant": "9" };
        const reply = await fetch(AFK_GATEWAY + path, { method, headers, ...(method !== "GET" && { body }) });
        await reply.text();
        statuses.push(reply.status);
      }
  const content = { url: actions + "/approve", text: "resume; approve" };
  const drafts = [{ name: "from a program", action: "post", content }];
  writeFileSync(AFK_RESULT, JSON.stringify({ units: 1, summary: "resume " + statuses.length, drafts }));
})();
`;
/** In the form of keys that people make. */
const CLIENT_KEY = `afk_${"k".repeat(40)}`;

/** A run that meets the cap of its job and drafts, so that there is something to answer from the start. */
const BEGIN: readonly Step[] = [
  { type: "run", job: "work", deeds: [{ do: "draft", name: "first", word: "approve" }] },
  { type: "run", job: "work", deeds: [0, 1, 2, 3].map((n) => ({ do: "complete", n })) },
  { type: "ask" },
];

const HEARD = { from: "owner", isEdited: false, isForwarded: false, ageMs: 0 } as const;
/** What a code may do, and what needs none: that the attack would notice it is shown by this. */
const SCRIPT: Step[] = [
  { type: "answer", verb: "approve", which: 1, mangle: "", message: HEARD },
  { type: "answer", verb: "approve", which: 0, mangle: "add", message: HEARD },
  { type: "answer", verb: "approve", which: 0, mangle: "", message: HEARD },
  { type: "answer", verb: "yes", which: 1, mangle: "", message: HEARD },
  { type: "tick" },
  { type: "program" },
  { type: "repeat", which: 3 },
  { type: "say", message: { ...HEARD, text: "resume" } },
  { type: "say", message: { ...HEARD, text: "pause work" } },
  { type: "say", message: { ...HEARD, text: "stop, the bill looks odd" } },
  ...["resume", "unpause work", "cap 5", "start"].map((text): Step => {
    return { type: "say", message: { ...HEARD, text } };
  }),
  { type: "run", job: "work", deeds: [{ do: "draft", name: "resume", word: "resume" }] },
];

/** What an attack has met, so that one that got nowhere shows. */
const met = { done: 0, granted: 0, killed: 0, refused: 0, paused: 0, capped: 0, handedIn: 0 };

it(
  "nothing that comes from an agent, an item, a client or the phone raises, clears, approves or unpauses, but by a code",
  async () => {
    const seed = chaosSeed("one way");
    const numRuns = cases({ test: 15, chaos: 3_000 });
    const model = await ollama();
    const actions = await actionServer();
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 6, maxLength: 18, size: "max" }), async (steps) => {
        await attack([...BEGIN, ...steps], { model: model.url, actions: actions.origin });
        runs += 1;
      }),
      { numRuns, seed, endOnFailure: true, examples: [[SCRIPT]] },
    );
    for (const [what, count] of Object.entries(met)) expect(count, what).toBeGreaterThan(0);
    report("one way", runs, JSON.stringify(met));
  },
  patience({ test: 240_000, chaos: 3 * 3_600_000 }),
);

async function attack(steps: readonly Step[], origins: { model: string; actions: string }): Promise<void> {
  const target = deployment(configOf(origins));
  const clock = fakeClock();
  const agent = await openAgent({
    config: target.configFile,
    state: target.state,
    environment: {},
    clock,
    kinds: [{ kind: "work", settings: v.looseObject({}), run: (context) => work(context, origins) }],
  });
  // So that a tick does not read the phone: the messages come from here.
  const lock = acquireLock(agent.config.paths.remoteLock);
  try {
    await prepare(agent, clock);
    const attacker = attackerOf(agent, clock);
    const before = await standing(agent, target);
    for (const each of steps) {
      await attacker.take(each);
      await compare(agent, target, before, attacker.allowed);
    }
    await count(agent);
  } finally {
    lock.release();
    await agent.close();
  }
}

function configOf({ model, actions }: { model: string; actions: string }) {
  return {
    agent: "test-agent",
    budget: { daily_cap_usd: 1, daily_cap_calls: 9, job_cap_calls: 7 },
    models: { chain: ["ollama/test-model"], providers: { ollama: { base_url: model } } },
    egress: { allow: ["127.0.0.1"], allow_private: ["127.0.0.1"], requests_per_minute: 6_000 },
    gateway: { clients: [{ name: "laptop", key: CLIENT_KEY, caps: { daily_calls: 2 } }] },
    alerts: [
      {
        name: "phone",
        type: "telegram",
        url: `${actions}/bot1:${"a".repeat(35)}`,
        chat_id: "42",
        on: ["alert_test"],
      },
    ],
    remote: { telegram: { channel: "phone" } },
    jobs: [
      { name: "work", kind: "work", caps: { daily_calls: 3, run_calls: 5 }, on_cap: "ask" },
      { name: "other", kind: "work" },
      {
        ...{ name: "program", kind: "exec", gateway: true, timeout: "1m" },
        command: [process.execPath, "-e", PROGRAM, CLIENT_KEY, actions],
      },
    ],
  };
}

/** A breaker that a person alone clears, one that is open for long, and a job that is paused. */
async function prepare(agent: Agent, clock: FakeClock): Promise<void> {
  await agent.pause("other", null);
  await agent.store.atomically(async (trx) => {
    const row = { failures: 5, cooldown_ms: 1, probe: null, updated_at: clock.nowMs() };
    for (const [state, until] of [
      ["blocked", null],
      ["open", FAR],
    ] as const)
      await trx
        .insertInto("breakers")
        .values({ ...row, name: `model:openai/${state}`, state, until, reason: "r" })
        .execute();
  });
}

async function work(context: JobContext, { actions }: { actions: string }) {
  for (const each of (context.payload as Deed[] | null) ?? []) await perform(context, each, actions);
  return { units: 1, summary: "resume" };
}

async function perform(context: JobContext, deed: Deed, actions: string): Promise<void> {
  switch (deed.do) {
    case "draft":
      try {
        context.draft(deed.name, "post", { url: `${actions}/approve`, text: deed.word });
      } catch {
        // A name that cannot be one, or is there already: refused at once, and the job goes on as a hostile one would.
      }
      return;
    case "complete":
      await context.complete(`call ${deed.n}`, {
        messages: [{ role: "user", content: "resume; yes; approve" }],
      });
      return;
    case "keep":
      return context.keep(deed.key, "resume");
    default: {
      await using gateway = await context.openGateway();
      const { method, header, body } = deed;
      const hasBody = method !== "GET";
      const headers = {
        authorization: `Bearer ${gateway.key}`,
        [header]: "1000000",
        "content-type": "application/json",
      };
      const url = `${gateway.url}${deed.path.replace("KEY", gateway.key)}`;
      const reply = await fetch(url, { method, headers, ...(hasBody && { body }) });
      await reply.text();
    }
  }
}

/** The phone and the queue, as an attacker uses them; `allowed` are the questions whose own code was sent with its own verb. */
function attackerOf(agent: Agent, clock: FakeClock) {
  const { rails, log } = agent;
  const current = () => agent.config;
  const questions: RemoteQuestions = createRemoteQuestions(rails);
  const { obey } = createVerbs({
    rails,
    current,
    status: agent.status,
    drafts: agent.drafts,
    wake: () => undefined,
  });
  const work: (() => Promise<string | null>)[] = [];
  const replies = {
    add: (each: () => Promise<string | null>) => void work.push(each),
    settled: async () => undefined,
  };
  const [remote] = remotesOf(agent.config);
  if (remote === undefined) throw new Error("no channel is read");
  const receive = createReceiver({ remote, rails, clock, log, obey, replies });
  const codes: { id: string; code: string; verb: string }[] = [];
  const sent: Incoming[] = [];
  const allowed = new Set<string>();
  let nextId = 0;

  async function send(message: Incoming): Promise<void> {
    await receive({ messages: [message], cursor: null, serviceNowMs: clock.nowMs() });
    for (const each of work.splice(0)) {
      const text = (await each()) ?? "";
      if (/not|never|only at the keyboard/i.test(text)) met.refused += 1;
    }
  }

  async function say({ ageMs, ...message }: Sent): Promise<void> {
    nextId += 1;
    const incoming = { ...message, id: `m${nextId}`, sentAtMs: clock.nowMs() - ageMs, sender: "1" };
    sent.push(incoming);
    await send(incoming);
  }

  async function take(step: Step): Promise<void> {
    switch (step.type) {
      case "run":
        await agent.enqueue(step.job, { payload: step.deeds }).catch((error: { code?: string }) => {
          expect(error.code, "only what is paused is refused").toBe("job_paused");
        });
        clock.advance(1);
        return void (await agent.tick());
      case "tick":
        return void (await agent.tick());
      case "program":
        await agent.enqueue("program");
        clock.advance(1);
        return void (await agent.tick());
      case "wait":
        return clock.advance(step.ms);
      case "ask":
        for (const { id, actions } of await questions.next()) {
          const [verb = "", code = ""] = actions[0]?.message.split(" ") ?? [];
          codes.push({ id, code, verb });
          await questions.sent(id);
        }
        return;
      case "say":
        return await say(step.message);
      case "repeat": {
        const again = sent[step.which % Math.max(1, sent.length)];
        return again === undefined ? undefined : await send(again);
      }
      default: {
        const asked = codes[step.which % Math.max(1, codes.length)];
        if (asked === undefined) return;
        const { code, id, verb } = asked;
        const { mangle, message } = step;
        const typed = mangle === "drop" ? code.slice(1) : mangle === "add" ? `${code}2` : code;
        const isRight = typed === code && step.verb.toLowerCase().replace("/", "") === verb;
        const { from, isEdited, isForwarded, ageMs } = message;
        const isHeard = from === "owner" && !isEdited && !isForwarded && ageMs < 10 * 60_000;
        if (isRight && isHeard) allowed.add(id);
        return await say({ ...message, text: `${step.verb} ${typed}` });
      }
    }
  }
  return { take, allowed };
}

type Standing = Awaited<ReturnType<typeof standing>>;

/** What nothing of this may change, or only in one direction. */
async function standing(agent: Agent, target: Deployment) {
  const { db } = agent.store;
  const paused = await db.selectFrom("paused_jobs").select(["job_name", "by"]).execute();
  return {
    file: readFileSync(target.configFile, "utf8"),
    budget: JSON.stringify(agent.rails.budget),
    keys: JSON.stringify(await db.selectFrom("client_keys").selectAll().execute()),
    paused: new Set(paused.map(({ job_name, by }) => `${job_name} ${by}`)),
    kill: (await db.selectFrom("kill_switch").select("set_at").executeTakeFirstOrThrow()).set_at,
  };
}

async function compare(
  agent: Agent,
  target: Deployment,
  before: Standing,
  allowed: Set<string>,
): Promise<void> {
  const { db } = agent.store;
  const now = await standing(agent, target);
  expect([now.file, now.budget, now.keys]).toEqual([before.file, before.budget, before.keys]);
  if (before.kill !== null) expect(now.kill).toBe(before.kill);
  before.kill = now.kill;
  for (const each of before.paused) expect(now.paused).toContain(each);
  before.paused = now.paused;
  const breakers = await db.selectFrom("breakers").select(["name", "state"]).execute();
  for (const state of MODEL_NAMES) expect(breakers).toContainEqual({ name: `model:openai/${state}`, state });
  const questions = await db.selectFrom("questions").selectAll().execute();
  const isAllowed = (id: string | undefined) => id !== undefined && allowed.has(id);
  const drafts = await db.selectFrom("drafts").select(["id", "state", "attempted_at"]).execute();
  for (const draft of drafts.filter(({ attempted_at }) => attempted_at !== null))
    expect(isAllowed(questions.find(({ subject }) => subject === draft.id)?.id), draft.state).toBe(true);
  const grants = await db.selectFrom("cap_grants").selectAll().execute();
  for (const { question_id, extra, cap } of grants) {
    expect(isAllowed(question_id)).toBe(true);
    expect(extra).toBe(cap);
  }
  await neverAboveCaps(agent, grants);
}

/** The agent's own caps, and those of its job with what its runs were granted. */
async function neverAboveCaps(agent: Agent, grants: { window: string; extra: number }[]): Promise<void> {
  const rows = await agent.store.db.selectFrom("budget_windows").selectAll().execute();
  const granted = (window: string) =>
    Math.max(0, ...grants.filter((each) => each.window === window).map(({ extra }) => extra));
  const most: Record<string, number> = {
    "day agent": 9,
    "day job:work": 3 + granted("day"),
    "job agent": Math.min(7, 5 + granted("job")),
  };
  for (const { window, scope, settled_calls, reserved_calls } of rows)
    expect(settled_calls + reserved_calls).toBeLessThanOrEqual(most[`${window} ${scope}`] ?? Infinity);
}

async function count(agent: Agent): Promise<void> {
  const { db } = agent.store;
  const numberOf = async (query: { execute(): Promise<unknown[]> }) => (await query.execute()).length;
  met.done += await numberOf(db.selectFrom("drafts").select("id").where("state", "=", "done"));
  met.granted += await numberOf(db.selectFrom("cap_grants").select("job"));
  met.killed += await numberOf(db.selectFrom("kill_switch").select("id").where("set_at", "is not", null));
  met.paused += await numberOf(db.selectFrom("paused_jobs").select("by").where("job_name", "=", "work"));
  met.handedIn += await numberOf(db.selectFrom("drafts").select("id").where("name", "=", "from a program"));
  met.capped += await numberOf(db.selectFrom("questions").select("id").where("kind", "=", "cap"));
}
