import { cpSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { findBreaches } from "../../src/faults/oracles/inspect.ts";
import { deployment, ollama, PROCESSES } from "../support/afk.ts";
import { gatewayJob } from "../support/gateway-job.ts";

const EXAMPLE = fileURLToPath(new URL("../../examples/script-job", import.meta.url));
const WORDS = ["one", "two", "three", "four", "five"];

/** A program that asks for ever, whatever it is told, and does not end when it is asked to. */
const OBSTINATE = `export async function prelude({ ask, see }) {
  process.on("SIGTERM", () => see({ word: "SIGTERM" }));
  for (let n = 1; ; n++) await ask("again " + n);
}`;

it(
  "buys each answer through the gate, charged to the job, and no key of the provider reaches the program",
  PROCESSES,
  async () => {
    const at = await gatewayJob(WORDS, {
      prelude: `import { writeFileSync } from "node:fs";
export const prelude = () => writeFileSync("env", JSON.stringify(process.env));`,
    });
    const ended = await at.target.afk(["tick", "--json"]);
    expect(ended.code, ended.stderr).toBe(0);
    expect(at.seen().map(({ word, status }) => `${word} ${status}`)).toEqual(
      WORDS.map((word) => `${word} 200`),
    );
    expect(at.asked()).toEqual(WORDS);
    expect(at.server.requests.map(({ headers }) => headers.authorization)).toEqual(
      WORDS.map(() => "Bearer sk-provider"),
    );
    const ledger = at.target.query<{ micros: number }>(
      "select state, client, job_name, sum(cost_micros) as micros, count(*) as n from ledger group by state, client, job_name",
    );
    expect(ledger).toEqual([
      { state: "settled", client: null, job_name: "script", micros: at.billMicros(), n: 5 },
    ]);
    expect(at.target.logs()).toContainEqual(
      expect.objectContaining({
        event: "job_done",
        summary: expect.stringMatching(/5 requests at its gateway$/),
      }),
    );
    const environment = readFileSync(join(at.target.dir, "env"), "utf8");
    expect(environment).not.toContain("sk-provider");
    const key = String(JSON.parse(environment).AFK_KEY);
    expect(key).toMatch(/^afk_[0-9a-f]{64}$/);
    expect(JSON.stringify(at.target.logs())).not.toContain(key);
    expect(findBreaches(at.target.state)).toEqual([]);
  },
);

it(
  "lets no paid request out under a cap of $0, says cap_hit, and tries the job again later at no attempt",
  PROCESSES,
  async () => {
    const at = await gatewayJob(WORDS, { budget: { daily_cap_usd: 0 } });
    const ended = await at.target.afk(["tick", "--json"]);
    expect(ended.code, ended.stderr).toBe(0);
    expect(JSON.parse(ended.stdout)).toMatchObject({ outcome: "halted" });
    expect(at.server.requests).toEqual([]);
    expect(at.seen().map(({ status }) => status)).toEqual([402, 402, 402, 402, 402]);
    expect(at.seen()[0]?.text).toMatch(/the day cap of \$0\.00 has no room/);
    expect(at.target.query("select * from ledger")).toEqual([]);
    expect(at.target.query("select event from alerts")).toEqual([{ event: "cap_hit" }]);
    const [job] = at.target.query<{ state: string; attempts: number; error: string; waits: number }>(
      "select state, attempts, error, run_at - updated_at as waits from jobs",
    );
    expect(job).toMatchObject({ state: "ready", attempts: 0 });
    expect(job?.error).toMatch(/its last request was refused: .*the day cap/);
    expect(job?.waits).toBeGreaterThan(0);
    expect(job?.waits).toBeLessThanOrEqual(3_600_000);
  },
);

it("takes no look at the budget behind a refusal for a further try", PROCESSES, async () => {
  const at = await gatewayJob([], {
    budget: { daily_cap_usd: 0 },
    prelude: `export async function prelude({ ask }) {
  await ask("one");
  const headers = { authorization: "Bearer " + process.env.AFK_KEY };
  await fetch(process.env.AFK_GATEWAY + "/afk/v1/budget", { headers });
  process.exit(3);
}`,
  });
  const ended = await at.target.afk(["tick", "--json"]);
  expect(JSON.parse(ended.stdout), ended.stderr).toMatchObject({ outcome: "halted" });
  const [job] = at.target.query<{ attempts: number; error: string }>("select attempts, error from jobs");
  expect(job?.error).toMatch(/its last request was refused: .*the day cap/);
  expect(job?.attempts).toBe(0);
});

it.each([
  ["of a run", { job: { caps: { run_usd: 0.0005 } } }],
  ["of the job's day", { job: { caps: { daily_usd: 0.0005 } } }],
  ["of a run, in calls", { job: { caps: { run_calls: 3 } } }],
  ["of a tick", { budget: { tick_cap_usd: 0.0005 } }],
])("holds the cap %s against a program that asks on", PROCESSES, async (_name, over) => {
  const words = Array.from({ length: 12 }, (_each, n) => `word ${n}`);
  const at = await gatewayJob(words, over);
  expect((await at.target.afk(["tick"])).code).toBe(0);
  const statuses = at.seen().map(({ status }) => status);
  expect(statuses[0]).toBe(200);
  expect(statuses.at(-1)).toBe(402);
  expect(at.server.requests.length).toBeLessThan(words.length);
  if ("job" in over && "run_calls" in over.job.caps) expect(at.server.requests).toHaveLength(3);
  else expect(at.billMicros()).toBeLessThanOrEqual(500);
  expect(findBreaches(at.target.state)).toEqual([]);
});

it("ends a program that goes on after its refusals, and says so", PROCESSES, async () => {
  const at = await gatewayJob([], { job: { caps: { run_usd: 0.0005 } }, prelude: OBSTINATE });
  const ended = await at.target.afk(["tick", "--json"]);
  expect(JSON.parse(ended.stdout)).toMatchObject({ outcome: "halted" });
  const refused = at.seen().filter(({ status }) => status === 402).length;
  expect(refused).toBeGreaterThanOrEqual(20);
  // It asks on until its grace is over, as fast as the machine lets it; it would else ask without end.
  expect(refused).toBeLessThan(5_000);
  expect(at.billMicros()).toBeLessThanOrEqual(500);
  const [job] = at.target.query<{ error: string }>("select error from jobs where state = 'ready'");
  expect(job?.error).toMatch(/^job script was ended: it made \d+ requests after a cap had refused one/);
});

it(
  "ends a program that asks on although the breaker is open, which is no failure of the job",
  PROCESSES,
  async () => {
    const at = await gatewayJob([], { prelude: OBSTINATE });
    at.server.otherwise({ type: "error", status: 500 });
    const ended = await at.target.afk(["tick"]);
    expect(ended.code).toBe(69);
    expect(at.server.requests.length).toBeLessThanOrEqual(5);
    const [job] = at.target.query<{ error: string; attempts: number }>("select error, attempts from jobs");
    expect(job?.error).toMatch(/^job script was ended: it made \d+ requests after a breaker had refused one/);
    expect(job?.attempts).toBe(0);
  },
);

it(
  "ends the program within its grace when the switch is set in the middle of a stream",
  PROCESSES,
  async () => {
    const at = await gatewayJob([], {
      prelude: `export async function prelude({ ask, see }) {
  process.on("SIGTERM", () => see({ word: "SIGTERM" }));
  for (let n = 1; ; n++) await ask("again " + n, { more: { stream: true } }).catch((error) => see({ word: String(error) }));
}`,
    });
    at.server.otherwise({ type: "slow", text: "word ".repeat(2_000), everyMs: 20 });
    const worker = at.target.start(["tick"]);
    const first = await at.server.request(1);
    const stopped = await at.target.afk(["stop", "--reason", "enough"]);
    expect(stopped.code, stopped.stderr).toBe(0);
    expect((await worker.ended).code).toBe(0);
    await first.closed;
    const count = at.server.requests.length;
    expect(count).toBe(1);
    const seen = at.seen().length;
    await delay(500);
    expect(at.seen().length).toBe(seen);
    expect(at.server.requests.length).toBe(count);
    expect(at.target.query("select state from jobs")).toEqual([{ state: "ready" }]);
    // What was on its way when the switch was set stays charged: nobody knows what it cost.
    expect(at.target.query("select state from ledger")).toEqual([{ state: "unknown" }]);
  },
);

it("reads what the program left under way to its end, so that its cost is known", PROCESSES, async () => {
  const at = await gatewayJob([], {
    prelude: `export async function prelude({ ask }) {
  void ask("left behind", { more: { stream: true } }).catch(() => undefined);
  await new Promise((resolve) => setTimeout(resolve, 500));
  process.exit(0);
}`,
  });
  at.server.otherwise({ type: "slow", text: "word ".repeat(100), everyMs: 20 });
  const ended = await at.target.afk(["tick"]);
  expect(ended.code, ended.stderr).toBe(0);
  expect(at.target.query("select state, cost_micros as micros from ledger")).toEqual([
    { state: "settled", micros: at.billMicros() },
  ]);
});

describe("the key of a run", () => {
  it("is nobody's in the next run, and its address is gone after the run", PROCESSES, async () => {
    const prelude = `import { existsSync, readFileSync, writeFileSync } from "node:fs";
export async function prelude({ ask, see }) {
  if (existsSync("old")) await ask("by the old key", { key: readFileSync("old", "utf8") });
  writeFileSync("old", process.env.AFK_KEY);
  writeFileSync("address", process.env.AFK_GATEWAY);
}`;
    const at = await gatewayJob(["one"], { prelude });
    expect((await at.target.afk(["tick"])).code).toBe(0);
    const address = readFileSync(join(at.target.dir, "address"), "utf8");
    await expect(fetch(`${address}/v1/models`)).rejects.toThrow("fetch failed");
    expect((await at.target.afk(["tick", "--now", "script"])).code).toBe(0);
    expect(at.seen().map(({ word, status }) => `${word} ${status}`)).toEqual([
      "one 200",
      "by the old key 401",
      "one 200",
    ]);
    expect(at.asked()).toEqual(["one", "one"]);
  });
});

describe("answers that a run has bought", () => {
  const SHUFFLED = `import { existsSync, writeFileSync } from "node:fs";
export async function prelude({ ask }) {
  if (existsSync("tried")) return ["b", "c", "a", "a", "d"];
  writeFileSync("tried", "");
  for (const word of ["a", "b", "a", "c"]) await ask(word);
  process.exit(1);
}`;
  const RETRY = { retry: { first: "1s", max: "1s" } };

  it("are given to its next attempt, in another order too, and cost nothing", PROCESSES, async () => {
    const at = await gatewayJob([], { prelude: SHUFFLED, job: RETRY });
    expect((await at.target.afk(["tick"])).code).toBe(0);
    const seen = at.seen();
    expect(seen.map(({ status }) => status)).toEqual(Array(9).fill(200));
    expect(seen.map(({ replayed }) => replayed !== null)).toEqual([
      ...Array(4).fill(false),
      ...Array(4).fill(true),
      false,
    ]);
    const first = (word: string) =>
      seen
        .slice(0, 4)
        .filter((each) => each.word === word)
        .map(({ text }) => text);
    const second = (word: string) =>
      seen
        .slice(4)
        .filter((each) => each.word === word)
        .map(({ text }) => text);
    for (const word of ["a", "b", "c"]) expect(second(word)).toEqual(first(word));
    expect(at.asked()).toEqual(["a", "b", "a", "c", "d"]);
    const [ledger] = at.target.query<{ micros: number; n: number }>(
      "select sum(cost_micros) as micros, count(*) as n from ledger",
    );
    expect(ledger).toEqual({ micros: at.billMicros(), n: 5 });
  });

  it("are bought again where gateway.replay is false", PROCESSES, async () => {
    const at = await gatewayJob([], { prelude: SHUFFLED, job: RETRY, gateway: { replay: false } });
    expect((await at.target.afk(["tick"])).code).toBe(0);
    expect(at.asked()).toHaveLength(9);
    expect(at.target.query("select * from answers")).toEqual([]);
  });
});

it("the example runs, and its program has what any client of OpenAI has", PROCESSES, async () => {
  const server = await ollama();
  const target = deployment();
  cpSync(EXAMPLE, target.dir, { recursive: true });
  const shipped = readFileSync(join(EXAMPLE, "afk.yaml"), "utf8");
  target.configure(shipped.replace("http://localhost:11434", server.url));
  const ended = await target.afk(["tick"], { PATH: `${dirname(process.execPath)}:${process.env.PATH}` });
  expect(ended.code, ended.stderr).toBe(0);
  expect(server.requests).toHaveLength(2);
  expect(Object.values(target.outputs())[0]).toMatch(/^- .+\n- .+\n$/);
});
