import * as v from "valibot";
import { type Agent, openAgent } from "../../../src/agent.ts";
import type { JobKind } from "../../../src/jobs/job.ts";
import { StoreUnreachable } from "../../../src/store/postgres/errors.ts";

/**
 * A process that buys: gets its `Orders`, opens the agent, says "ready", begins at "go" and sends what came of it. It then
 * waits for the next orders; it may be killed at any moment.
 */
export interface Orders {
  config: string;
  state: string;
  /** The first word of its prompts; in ticks the key of its jobs begins with it. */
  word: string;
  /** What to buy: bytes of the prompt and tokens of output. */
  calls: { bytes: number; outputTokens: number }[];
  how: "library" | "ticks";
  /** Where its state is not a file: a fleet's. */
  databaseUrl?: string;
}

export interface Bought {
  answered: number;
  refused: number;
  failed: number;
}

/** What it sends instead when afk itself failed, which the calls that fail or are refused are not. */
export interface Failure {
  failure: string;
}

const CALLS_PER_JOB = 5;
const TRIES_MAX = 200;
const calls = v.array(v.object({ bytes: v.number(), outputTokens: v.number() }));

const spree: JobKind = {
  kind: "spree",
  settings: v.strictObject({}),
  async run(context) {
    const { word, wanted } = v.parse(v.object({ word: v.string(), wanted: calls }), context.payload);
    for (const [index, call] of wanted.entries())
      await context.complete(`call ${index}`, requestOf(word, call));
    return { units: 1, summary: word };
  },
};

let agent: Agent | undefined;
let orders: Orders | undefined;

process.on("message", (message: Orders | "go") =>
  obey(message).catch((error: Error) => process.send?.({ failure: String(error.stack) } satisfies Failure)),
);

async function obey(message: Orders | "go"): Promise<void> {
  if (message !== "go") {
    orders = message;
    agent = await opened(orders);
    process.send?.("ready");
  } else if (agent !== undefined && orders !== undefined) {
    const bought = orders.how === "library" ? await buy(agent, orders) : await tick(agent, orders);
    await agent.close();
    process.send?.(bought);
  }
}

/** A database that is just being started again is waited for. */
async function opened({ config, state, databaseUrl }: Orders): Promise<Agent> {
  const environment = databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl };
  for (let tries = 1; ; tries++) {
    try {
      return await openAgent({ config, state, environment, kinds: [spree] });
    } catch (error) {
      if (tries === TRIES_MAX || !(error instanceof StoreUnreachable)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

async function buy({ model }: Agent, { word, calls }: Orders): Promise<Bought> {
  const bought = { answered: 0, refused: 0, failed: 0 };
  for (const call of calls) {
    const outcome = await model.complete(requestOf(word, call)).then(
      () => "answered" as const,
      (error) => (error.code === "cap_hit" ? "refused" : "failed"),
    );
    bought[outcome] += 1;
  }
  return bought;
}

/** One at a time can tick; the others try again until their jobs have had their turns, in whoever's tick. */
async function tick(agent: Agent, { word, calls }: Orders): Promise<Bought> {
  const bought = { answered: 0, refused: 0, failed: 0 };
  for (let first = 0; first < calls.length; first += CALLS_PER_JOB) {
    const key = `${word}-${first}`;
    await agent.enqueue("spree", {
      key,
      payload: { word: key, wanted: calls.slice(first, first + CALLS_PER_JOB) },
    });
  }
  for (let tries = 0, ticks = 0; tries < TRIES_MAX && ticks < 3; tries++) {
    const outcome = await agent.tick().then(
      (result) => result.outcome,
      (error) => error.code,
    );
    if (outcome !== "locked") ticks += 1;
    else await new Promise((resolve) => setTimeout(resolve, 20));
    if (outcome === "ok") bought.answered += 1;
    if (outcome === "halted") bought.refused += 1;
    if (outcome === "failed") bought.failed += 1;
  }
  return bought;
}

function requestOf(word: string, call: Orders["calls"][number]) {
  // Letters of two bytes and of three, since a bound in characters would be too low for them.
  const content = `${word} ${"aé漢".repeat(Math.ceil(call.bytes / 6))}`;
  return { messages: [{ role: "user" as const, content }], maxOutputTokens: call.outputTokens };
}
