import { join } from "node:path";
import { expect, it } from "vitest";
import { countersAgree } from "../../src/ops/counters.ts";
import { openStore } from "../../src/store/sqlite/open.ts";
import { type Deployment, deployment } from "../support/afk.ts";
import { cases, chaosSeed, patience, report } from "../support/chaos.ts";
import { seededRandomness } from "../support/seeded.ts";
import type { Bought, Orders } from "./support/buyer.ts";
import { crew } from "./support/crew.ts";
import { type GreedyProvider, greedyProvider, PRICE } from "./support/greedy-provider.ts";
import { workInMemory } from "./support/in-memory.ts";

const PROCESSES = 4;
const CALLS = 25;
/** About what a prompt has around its text, in bytes; only to choose a cap that stops about half of the calls. */
const AROUND = 160;

workInMemory();

it(
  "keeps the provider's own bill under every cap, with several processes that are killed in the middle of their calls",
  async () => {
    const rounds = cases({ test: 20, chaos: 1_000 });
    const { random } = seededRandomness(chaosSeed("the bill"));
    const buyers = crew();
    const doom = new Map<number, string>();
    let killed = 0;
    const provider = await greedyProvider(async (word) => {
      const victim = doom.get(provider.requests());
      // The asker itself, in the middle of its call; or another, wherever that is.
      if (victim !== undefined && buyers.kill(Number(victim === "asker" ? word[1] : victim))) killed += 1;
      return random() < 0.02 ? "reset" : "answer";
    });
    const met = { refused: 0, requests: 0, highest: 0, unknown: 0, tickRounds: 0 };
    for (let round = 0; round < rounds; round++) {
      const how = round % 4 === 3 ? "ticks" : "library";
      const attack = prepared(provider, random, how);
      for (let kills = Math.floor(random() * 4); kills > 0; kills--) {
        const victim = random() < 0.7 ? "asker" : String(Math.floor(random() * PROCESSES));
        doom.set(2 + Math.floor(random() * 40), victim);
      }
      const bought = await buyers.round(attack.orders, random() < 0.8);
      const charged = await checkBooks(attack, provider);
      met.refused += bought.some((each: Bought | null) => each !== null && each.refused > 0) ? 1 : 0;
      met.requests += provider.requests();
      met.highest = Math.max(met.highest, provider.billMicros() / attack.capMicros);
      met.unknown += charged.open > 0 ? 1 : 0;
      met.tickRounds += how === "ticks" ? 1 : 0;
      provider.clear();
      doom.clear();
    }
    for (const count of [met.refused, killed, met.unknown]) expect(count).toBeGreaterThan(0);
    report(
      "the bill",
      rounds,
      `${met.requests} requests, refusals in ${met.refused} rounds, ${killed} kills, calls left open in ${met.unknown} rounds, ` +
        `${met.tickRounds} rounds of ticks, highest bill ${(100 * met.highest).toFixed(1)} % of its cap`,
    );
  },
  patience({ test: 300_000, chaos: 6 * 3_600_000 }),
);

interface Attack {
  target: Deployment;
  orders: Orders[];
  capMicros: number;
  job_micros: number;
  tick_micros: number;
}

/** A new deployment whose cap has room for about half of what will be asked for; in ticks, tick and job have less. */
function prepared(provider: GreedyProvider, random: () => number, how: Orders["how"]): Attack {
  const whole = (most: number) => 1 + Math.floor(random() * most);
  const wanted = Array.from({ length: PROCESSES }, () =>
    Array.from({ length: CALLS }, () => ({ bytes: whole(3_000), outputTokens: whole(400) })),
  );
  const most = wanted
    .flat()
    .reduce(
      (sum, { bytes, outputTokens }) => sum + (bytes + AROUND) * PRICE.input + outputTokens * PRICE.output,
      0,
    );
  const capMicros = Math.floor(most * (0.3 + 0.4 * random()));
  const job_micros = Math.floor((most / 20) * (0.5 + random()));
  const tick_micros = Math.floor((most / 8) * (0.5 + random()));
  const target = deployment();
  target.configure({
    agent: "test-agent",
    // The month has the same cap, since the day may end in the middle of a round.
    budget: {
      daily_cap_usd: capMicros / 1e6,
      monthly_cap_usd: capMicros / 1e6,
      ...(how === "ticks"
        ? {
            tick_cap_usd: tick_micros / 1e6,
            job_cap_usd: job_micros / 1e6,
            hourly_cap_usd: capMicros / 1e6,
          }
        : {}),
    },
    models: {
      chain: ["openai/test"],
      max_output_tokens: 400,
      timeout: "30s",
      providers: { openai: { base_url: `${provider.url}/v1`, api_key: "sk-test" } },
      prices: { "openai/test": PRICE },
    },
    breaker: { failures: 100, calls_per_minute: 10_000, same_request_per_hour: 10_000 },
    jobs: [{ name: "spree", kind: "spree" }],
  });
  const orders = wanted.map((calls, index) => ({
    config: target.configFile,
    state: target.state,
    word: `p${index}`,
    calls,
    how,
  }));
  return { target, orders, capMicros, job_micros, tick_micros };
}

/** The provider's bill against the caps, and the ledger against the bill. */
async function checkBooks(attack: Attack, provider: GreedyProvider): Promise<{ open: number }> {
  const { target, capMicros, job_micros, tick_micros } = attack;
  const billed = provider.billMicros();
  expect(billed).toBeGreaterThan(0);
  expect(billed).toBeLessThanOrEqual(capMicros);
  const [books] = target.query<{ charged: number; open: number }>(
    `select sum(coalesce(cost_micros, estimate_micros)) as charged, sum(state in ('unknown', 'sending')) as open
     from ledger where state <> 'released'`,
  );
  expect(books!.charged).toBeGreaterThanOrEqual(billed);
  expect(books!.charged).toBeLessThanOrEqual(capMicros);
  // Not even one call was billed above the bound that was reserved for it.
  expect(target.query("select id from ledger where cost_micros > estimate_micros")).toEqual([]);
  const scoped = target.query<{ job: string; tick: string }>(
    "select distinct job, tick from ledger where tick is not null",
  );
  for (const { job, tick } of scoped) {
    expect(provider.billMicros(job)).toBeLessThanOrEqual(job_micros);
    const [spent] = target.query<{ micros: number }>(
      "select sum(coalesce(cost_micros, estimate_micros)) as micros from ledger where tick = ? and state <> 'released'",
      tick,
    );
    expect(spent!.micros ?? 0).toBeLessThanOrEqual(tick_micros);
  }
  const store = await openStore(join(target.state, "afk.db"));
  try {
    expect(await countersAgree(store.db)).toEqual([]);
  } finally {
    await store.close();
  }
  return { open: books!.open };
}
