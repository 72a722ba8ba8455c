import * as v from "valibot";
import { afterAll, expect, it, onTestFinished } from "vitest";
import { openAgent, readAgentConfig } from "../../src/agent.ts";
import { ConfigError } from "../../src/config/errors.ts";
import { toItem } from "../../src/jobs/items/item.ts";
import type { JobKind } from "../../src/jobs/job.ts";
import { readFeed } from "../../src/jobs/sources/feed/feed.ts";
import { readMail } from "../../src/jobs/sources/mail/mail.ts";
import { lastMessages } from "../../src/jobs/sources/mail/mbox.ts";
import { AfkError } from "../../src/lib/errors.ts";
import { createAnthropic } from "../../src/providers/anthropic/anthropic.ts";
import { createOllama } from "../../src/providers/ollama/ollama.ts";
import { createOpenai } from "../../src/providers/openai/openai.ts";
import { CallFailed } from "../../src/rails/call.ts";
import { receiver } from "../alerts/receiver.ts";
import { afk } from "../cli/commands/in-process.ts";
import { memoryFile } from "../jobs/sources/memory-file.ts";
import { deployment } from "../support/afk.ts";
import { cases, chaosSeed, patience, report } from "../support/chaos.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { seededRandomness } from "../support/seeded.ts";
import { CONFIGURATIONS, FEEDS, MAILS, PAYLOADS, REPLIES, WORDS } from "./support/corpora.ts";
import { type Random, randomFrom } from "./support/hostile-text.ts";
import { mutant, mutantBytes } from "./support/mutate.ts";

const seed = chaosSeed("inputs");
const SLOW = { timeout: patience({ test: 240_000, chaos: 3_600_000 }) };
/** Processor time that one input may take, whatever else the machine does. */
const CASE_CPU_MS_MAX = 3_000;

const tally: Record<string, number> = {};
let slowestMs = 0;
afterAll(() => {
  const total = Object.values(tally).reduce((sum, count) => sum + count, 0);
  const each = Object.entries(tally).map(([name, count]) => `${name} ${count}`);
  report(
    "inputs",
    total,
    `${each.join(", ")}; the slowest took ${slowestMs.toFixed(0)} ms of processor time`,
  );
});

/** Shares of the whole, which is 2,000 in `npm test`. */
function share(percent: number): number {
  return Math.max(1, Math.round((cases({ test: 2_000, chaos: 200_000 }) * percent) / 100));
}

/** Runs one attack `count` times; each case must end in a value or an AfkError, in bounded time. Says how many gave a value. */
async function attack(
  name: string,
  count: number,
  once: (random: Random) => { input: unknown; run: () => unknown },
): Promise<number> {
  const random = randomFrom(seededRandomness(seed));
  let values = 0;
  for (let n = 0; n < count; n++) {
    const { input, run } = once(random);
    const before = process.cpuUsage();
    try {
      await run();
      values += 1;
    } catch (error) {
      if (!(error instanceof AfkError)) {
        throw new Error(`${name}, case ${n}: ${shown(input)}`, { cause: error });
      }
    }
    const { user, system } = process.cpuUsage(before);
    const ms = (user + system) / 1_000;
    slowestMs = Math.max(slowestMs, ms);
    if (ms > CASE_CPU_MS_MAX) throw new Error(`${name}, case ${n} took ${ms} ms: ${shown(input)}`);
    tally[name] = (tally[name] ?? 0) + 1;
  }
  return values;
}

function shown(input: unknown): string {
  return input instanceof Uint8Array
    ? JSON.stringify(Buffer.from(input).toString("latin1"))
    : JSON.stringify(input);
}

it("a feed gives items or is unreadable", SLOW, async () => {
  const count = share(40);
  const values = await attack("feeds", count, (random) => {
    const input = mutantBytes(FEEDS, random);
    return {
      input,
      run() {
        for (const item of readFeed(input, "label", { base: "https://example.org/feed" }).items) {
          expect(item.title).not.toBe("");
          expect(`${item.title}${item.text}`.isWellFormed()).toBe(true);
          expect(item.link ?? "https:").toMatch(/^https?:/);
          expect(item.publishedAt === null || Number.isFinite(item.publishedAt)).toBe(true);
        }
      },
    };
  });
  // Mutants that are all refused at the first byte would attack nothing.
  expect(values).toBeGreaterThan(count / 20);
  expect(values).toBeLessThan(count);
});

it("a mail gives an item or is unreadable", SLOW, async () => {
  const values = await attack("mail", share(15), (random) => {
    const input = mutantBytes(MAILS, random);
    return {
      input,
      async run() {
        const bytesMax = 64 * 1024;
        const file = memoryFile(input);
        const isMbox = Buffer.from(input).toString("latin1").startsWith("From ");
        const { messages } = isMbox
          ? await lastMessages(file, { bytesMax, messagesMax: 50 })
          : { messages: [{ start: 0, end: file.sizeBytes }] };
        for (const range of messages) {
          const { item } = await readMail({ ...range, read: file.read, isQuoted: isMbox }, bytesMax);
          toItem(item, "label");
        }
      },
    };
  });
  expect(values).toBeGreaterThan(0);
});

it("a model's reply is a completion or a failed call", SLOW, async () => {
  let answer: { status: number; body: Uint8Array; headers: Record<string, string> };
  const server = await receiver(() => ({ ...answer, body: answer.body as never }));
  const providers = [
    { name: "ollama", create: createOllama, corpus: REPLIES.ollama },
    { name: "openai", create: createOpenai, corpus: REPLIES.openai },
    { name: "anthropic", create: createAnthropic, corpus: REPLIES.anthropic },
  ].map(({ name, create, corpus }) => {
    return { name, provider: create({ name, settings: {}, baseUrl: server.url, apiKey: "sk-test" }), corpus };
  });
  const signal = new AbortController().signal;
  const values = await attack("replies", share(15), (random) => {
    const { name, provider, corpus } = random.of(providers);
    const headers = random.of<Record<string, string>>([
      {},
      { "retry-after": random.of(["-1", "1e9", "soon", "Thu, 32 Foo 2026", "0.5"]) },
      { "content-encoding": random.of(["gzip", "identity", "br"]) },
    ]);
    answer = {
      status: random.of([200, 200, 200, 200, 201, 204, 300, 304, 400, 401, 404, 418, 429, 500, 503, 599]),
      headers,
      // Some as they should be, under whatever status and headers.
      body: random.below(5) === 0 ? Buffer.from(random.of(corpus)) : mutantBytes(corpus, random),
    };
    const body = provider.body("m", {
      messages: [{ role: "user", content: "Hi" }],
      maxOutputTokens: 10,
      temperature: 0,
    });
    return {
      input: { provider: name, ...answer, body: Buffer.from(answer.body).toString("latin1") },
      async run() {
        try {
          const { text, usage } = await provider.send("m", body, {
            signal,
            timeoutMs: 20_000,
            lastLook: async () => undefined,
          });
          expect(text.trim()).not.toBe("");
          for (const tokens of "unknown" in usage ? [] : Object.values(usage))
            expect(Number.isSafeInteger(tokens) && tokens >= 0).toBe(true);
        } catch (error) {
          // Whatever the chain cannot tell from a bug would stop the job and not be judged by the breaker.
          if (error instanceof AfkError) expect(error).toBeInstanceOf(CallFailed);
          throw error;
        }
      },
    };
  });
  expect(values).toBeGreaterThan(0);
});

it("a configuration is read or refused with what is wrong", SLOW, async () => {
  const target = deployment();
  const values = await attack("configurations", share(20), (random) => {
    const input = mutantBytes(CONFIGURATIONS, random);
    return {
      input,
      run() {
        target.write("afk.yaml", input);
        try {
          const environment = { NAME: "value-of-name" };
          readAgentConfig({ config: target.configFile, state: target.state, environment });
        } catch (error) {
          if (error instanceof AfkError) expect(error).toBeInstanceOf(ConfigError);
          if (error instanceof ConfigError) expect(error.issues.length).toBeGreaterThan(0);
          throw error;
        }
      },
    };
  });
  expect(values).toBeGreaterThan(0);
});

it("words at the command line give an exit code, and no stack", SLOW, async () => {
  const target = deployment({
    agent: "test-agent",
    budget: { daily_cap_usd: 1 },
    models: { chain: ["extractive"] },
    jobs: [{ name: "work", kind: "digest", every: "1d", sources: [{ folder: "./inbox" }] }],
  });
  await attack("words", share(5), (random) => {
    const input = Array.from({ length: 1 + random.below(5) }, () =>
      // A process cannot be given a word with a null character in it.
      random.below(6) === 0 ? mutant(WORDS, random).replaceAll("\0", "") : random.of(WORDS),
    );
    return {
      input,
      async run() {
        const { code, stderr } = await afk(target, ...input);
        expect([0, 1, 2, 69, 75, 78]).toContain(code);
        expect(stderr).not.toMatch(/afk bug|\n {4}at /);
      },
    };
  });
});

it(
  "a job that throws whatever its payload says ends as a dead letter, and the queue goes on",
  SLOW,
  async () => {
    const target = deployment({
      agent: "test-agent",
      budget: { daily_cap_usd: 1 },
      models: { chain: ["extractive"] },
      jobs: [{ name: "work", kind: "hostile", retry: { attempts: 3 } }],
    });
    const clock = fakeClock();
    const runs = new Map<string, number>();
    const environment = {};
    const agent = await openAgent({
      config: target.configFile,
      state: target.state,
      environment,
      clock,
      kinds: [hostileKind(runs)],
    });
    onTestFinished(() => agent.close());
    let added = 0;
    await attack("payloads", share(5), (random) => {
      const payload = payloadOf(random);
      const key = random.below(8) === 0 ? mutant(WORDS, random) : `job-${added}`;
      return {
        input: { key, payload },
        async run() {
          const result = await agent.enqueue("work", { payload, key });
          if (result.added) added += 1;
        },
      };
    });
    // A crash loop would need a tick for ever; a hundred jobs and three attempts each need these.
    const ticksMax = Math.ceil((added * 3) / 100) + 5;
    for (let n = 0; n < ticksMax && (await waiting(agent)) > 0; n++) {
      const { outcome } = await agent.tick();
      expect(["ok", "failed", "idle"]).toContain(outcome);
      clock.advance(600_000);
    }
    expect(await waiting(agent)).toBe(0);
    const jobs = target.query<{ key: string; state: string; attempts: number; payload: string }>(
      "select * from jobs",
    );
    expect(jobs).toHaveLength(added);
    for (const { key, state, attempts, payload } of jobs) {
      const isHostile = howOf(JSON.parse(payload)) !== undefined;
      expect({ key, state, attempts, runs: runs.get(payload) }).toMatchObject(
        isHostile ? { state: "dead" } : { state: "done", attempts: 1 },
      );
      if (isHostile) expect(attempts).toBeLessThanOrEqual(3);
    }
    const dead = jobs.filter(({ state }) => state === "dead").length;
    expect(target.query("select * from dead_letters")).toHaveLength(dead);
    expect(dead).toBeGreaterThan(0);
    expect(dead).toBeLessThan(jobs.length);
  },
);

async function waiting(agent: Awaited<ReturnType<typeof openAgent>>): Promise<number> {
  const { queue } = await agent.status();
  return queue.ready + queue.running;
}

/** What jobs of careless authors throw, and what they leave behind. */
const THROWN: (() => unknown)[] = [
  () => new Error("plain"),
  () => new TypeError("x is not a function"),
  () => "a text",
  () => undefined,
  () => null,
  () => 0,
  () => Symbol("s"),
  () => ({ message: "no error" }),
  () => Object.create(null),
  () => new Error("\u0000\uD800 ".repeat(10_000)),
  () => new Error("x".repeat(1_000_000)),
  () => new AggregateError([new Error("a")], ""),
  () => Object.assign(new Error("code"), { code: 1, retry: "never", exitCode: "x" }),
  () => new AfkError("odd", "later", { retry: { afterMs: 1 } }),
  () => new AfkError("odd", "never", { retry: "never" }),
  () => new AfkError("odd", "not a time", { retry: { afterMs: Number.NaN } }),
  () => new AfkError("odd", "before the beginning", { retry: { afterMs: -1e18 } }),
  () => new DOMException("aborted", "AbortError"),
  () => {
    const circle: { cause?: unknown } & Error = new Error("circle");
    circle.cause = circle;
    return circle;
  },
  () => ({
    get message() {
      throw new Error("the getter throws");
    },
  }),
  () => ({
    toString() {
      throw new Error("it cannot be a text");
    },
  }),
];

function howOf(payload: unknown): number | undefined {
  const how =
    typeof payload === "object" && payload !== null && "throw" in payload ? payload.throw : undefined;
  return typeof how === "number" ? how : undefined;
}

function hostileKind(runs: Map<string, number>): JobKind {
  return {
    kind: "hostile",
    settings: v.looseObject({}),
    async run(context) {
      const key = JSON.stringify(context.payload);
      runs.set(key, (runs.get(key) ?? 0) + 1);
      const how = howOf(context.payload);
      if (how !== undefined) throw THROWN[how % THROWN.length]?.();
      return { units: 1, summary: "worked" };
    },
  };
}

function payloadOf(random: Random): unknown {
  if (random.below(2) === 0) return { throw: random.below(THROWN.length), note: mutant(PAYLOADS, random) };
  try {
    return JSON.parse(mutant(PAYLOADS, random));
  } catch {
    return mutant(PAYLOADS, random);
  }
}
