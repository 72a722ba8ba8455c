// @module-tag processes
// @module-tag slow
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { countersAgree } from "../../src/ops/counters.ts";
import { openPostgresStore } from "../../src/store/postgres/open.ts";
import type { Orders } from "../chaos/support/buyer.ts";
import { crew } from "../chaos/support/crew.ts";
import { type GreedyProvider, greedyProvider, PRICE } from "../chaos/support/greedy-provider.ts";
import { deployment } from "../support/afk.ts";
import { cases, chaosSeed, patience, report } from "../support/chaos.ts";
import { postgresProblem } from "../support/postgres/binaries.ts";
import { postgres } from "../support/postgres/shared.ts";
import { seededRandomness } from "../support/seeded.ts";
import { direct } from "./support/audit.ts";
import { type Fault, planted } from "./support/plant.ts";

const MACHINES = 4;
const CALLS = 12;
/** About what a prompt has around its text, in bytes; only to choose a cap that stops about half of the calls. */
const AROUND = 160;
const SCHEMA = "afk_test_agent";

const problem = postgresProblem();
const skipped = problem === null ? "" : ` -- skipped: ${problem}`;

/** As if what broke off in the middle had cost nothing. */
const FORGETS: Fault = {
  file: "rails/guard.ts",
  text: 'failure.charge === "none" ? "released" : "unknown"',
  fault: '"released"',
};
/** In which an attack must find what was planted. */
const FINDS_IN = 12;

describe.skipIf(problem !== null)(`the bill of four machines${skipped}`, () => {
  test(
    "stays under every cap and within the books, whoever is killed in the middle of a call",
    async () => {
      const rounds = cases({ test: 12, chaos: 1_000 });
      const met = await attack(rounds, chaosSeed("the bill of a fleet"));
      for (const count of [met.refused, met.killed, met.restarts, met.exact])
        expect(count).toBeGreaterThan(0);
      report(
        "the bill of a fleet",
        rounds,
        `${met.requests} requests, refusals in ${met.refused} rounds, ${met.killed} kills, ${met.restarts} restarts of the server, ` +
          `calls left open in ${met.open} rounds, books that are the bill in ${met.exact}, highest bill ${(100 * met.highest).toFixed(1)} % of its cap`,
      );
    },
    patience({ test: 600_000, chaos: 6 * 3_600_000 }),
  );

  test(
    "the attack finds a fleet that gives back what a broken answer has cost",
    async () => {
      await expect(attack(FINDS_IN, 1, planted([FORGETS]))).rejects.toThrow(new RegExp(`${ABOVE}|${BELOW}`));
    },
    patience({ test: 600_000, chaos: 600_000 }),
  );
});

const ABOVE = "the bill is above its cap";
const BELOW = "the books are below the bill";

/** What a campaign of so many rounds met. Throws at the first round whose bill, cap and books do not agree. */
async function attack(rounds: number, seed: number, environment: Record<string, string> = {}) {
  const { random } = seededRandomness(seed);
  const server = await postgres();
  const buyers = crew(environment);
  /** What happens at which request: a machine or its asker is killed, or the server. */
  const doom = new Map<number, string>();
  const met = { killed: 0, restarts: 0, refused: 0, exact: 0, open: 0, requests: 0, highest: 0 };
  let restarting: Promise<void> = Promise.resolve();
  let isCalm = false;
  const provider = await greedyProvider(async (word) => {
    const victim = doom.get(provider.requests());
    if (victim === "server") {
      met.restarts += 1;
      restarting = restarting.then(async () => {
        await server.stop("immediate");
        await server.start();
      });
    } else if (victim !== undefined && buyers.kill(Number(victim === "asker" ? word[1] : victim)))
      met.killed += 1;
    return !isCalm && random() < 0.02 ? "reset" : "answer";
  });
  for (let round = 0; round < rounds; round++) {
    isCalm = round % 4 === 0;
    const set = await prepared({
      provider,
      random,
      url: await server.createDatabase(`round_${round}`),
    });
    if (!isCalm) {
      for (let kills = Math.floor(random() * 4); kills > 0; kills--) {
        const victim = random() < 0.7 ? "asker" : String(Math.floor(random() * MACHINES));
        doom.set(2 + Math.floor(random() * 20), victim);
      }
      if (round % 2 === 1) doom.set(2 + Math.floor(random() * 15), "server");
    }
    const bought = await buyers.round(set.orders, random() < 0.8);
    await restarting;
    const { billed, charged, open } = await checkBooks(set, provider);
    if (open === 0) {
      // All figures came.
      expect(charged).toBe(billed);
      met.exact += 1;
    } else met.open += 1;
    if (isCalm) expect(open).toBe(0);
    met.refused += bought.some((each) => each !== null && each.refused > 0) ? 1 : 0;
    met.requests += provider.requests();
    met.highest = Math.max(met.highest, billed / set.capMicros);
    provider.clear();
    doom.clear();
    await server.dropDatabase(`round_${round}`);
  }
  return met;
}

interface Prepared {
  url: string;
  orders: Orders[];
  capMicros: number;
}

/** Machines with a folder each and one database, and a cap with room for about half of what they will ask for. */
async function prepared({
  provider,
  random,
  url,
}: {
  provider: GreedyProvider;
  random: () => number;
  url: string;
}): Promise<Prepared> {
  const whole = (most: number) => 1 + Math.floor(random() * most);
  const wanted = Array.from({ length: MACHINES }, () =>
    Array.from({ length: CALLS }, () => ({ bytes: whole(3_000), outputTokens: whole(400) })),
  );
  const most = wanted
    .flat()
    .reduce(
      (sum, { bytes, outputTokens }) => sum + (bytes + AROUND) * PRICE.input + outputTokens * PRICE.output,
      0,
    );
  const capMicros = Math.floor(most * (0.3 + 0.4 * random()));
  const target = deployment();
  target.configure({
    agent: "test-agent",
    // The month has the same cap, since the day may end in the middle of a round.
    budget: { daily_cap_usd: capMicros / 1e6, monthly_cap_usd: capMicros / 1e6 },
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
  const orders = wanted.map((calls, index): Orders => {
    const state = join(target.dir, `machine-${index}`);
    return { config: target.configFile, state, word: `p${index}`, calls, how: "library", databaseUrl: url };
  });
  return { url, orders, capMicros };
}

/** The provider's bill against the cap, and the ledger against the bill. */
async function checkBooks(
  { url, capMicros }: Prepared,
  provider: GreedyProvider,
): Promise<{ billed: number; charged: number; open: number }> {
  const target = { url, schema: SCHEMA };
  const billed = provider.billMicros();
  expect(billed).toBeGreaterThan(0);
  expect(billed, ABOVE).toBeLessThanOrEqual(capMicros);
  const [books] = await direct<{ charged: number; open: number; above: number }>(target, [
    `select sum(coalesce(cost_micros, estimate_micros))::int as charged,
       (count(*) filter (where state in ('unknown', 'sending')))::int as open,
       (count(*) filter (where cost_micros > estimate_micros))::int as above
     from ledger where state <> 'released'`,
  ]);
  const { charged = 0, open = 0, above = 0 } = books ?? {};
  expect(charged, BELOW).toBeGreaterThanOrEqual(billed);
  expect(charged).toBeLessThanOrEqual(capMicros);
  // Not even one call was billed above the bound that was reserved for it.
  expect(above).toBe(0);
  const store = await openPostgresStore(target);
  try {
    expect(await countersAgree(store.db)).toEqual([]);
  } finally {
    await store.close();
  }
  return { billed, charged, open };
}
