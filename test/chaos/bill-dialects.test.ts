import { expect, it } from "vitest";
import { type Deployment, deployment, fillInbox, PROCESSES } from "../support/afk.ts";
import { cases, chaosSeed, patience, report } from "../support/chaos.ts";
import { seededRandomness } from "../support/seeded.ts";
import { type Billed, dialectServer } from "./support/dialect-server.ts";
import { type Chance, DIALECTS, type Dialect, PRICE } from "./support/dialects.ts";

const ITEMS = 30;
/** Each of the four kinds of tokens is rounded up by itself. */
const ROUNDING_MICROS = 3;

interface Entry {
  request_hash: string;
  state: string;
  estimate_micros: number;
  cost_micros: number | null;
}

it.each(DIALECTS)(
  "has in its books what $name bills, and keeps that bill under the cap",
  async (dialect) => {
    const rounds = cases({ test: 1, chaos: 60 });
    const { random } = seededRandomness(chaosSeed(`the bill of ${dialect.name}`));
    const upTo = (most: number) => Math.floor(random() * (Math.max(most, 0) + 1));
    const chance: Chance = { upTo, of: (values) => values[upTo(values.length - 1)] as never };
    const met = { requests: 0, settled: 0, unknown: 0, released: 0, refused: 0, highest: 0 };
    for (let round = 0; round < rounds; round++) {
      const { url, bill } = await dialectServer(dialect, chance);
      // Rarely room for everything, so that the cap is what ends most rounds.
      const capMicros = 25_000 + upTo(75_000);
      const target = prepared(dialect, url, capMicros);
      const { code, stderr } = await target.afk(["tick"], { OPENAI_API_KEY: "sk-test" });
      expect(code, stderr).toBe(0);
      const entries = target.query<Entry>(
        "select request_hash, state, estimate_micros, cost_micros from ledger order by rowid",
      );
      judge(bill, entries, capMicros, dialect.mayExceed);
      met.requests += bill.length;
      for (const { state } of entries) if (state in met) met[state as "settled"] += 1;
      met.refused += target.events().includes("cap_hit") ? 1 : 0;
      const billed = bill.reduce((sum, { micros }) => sum + micros, 0);
      met.highest = Math.max(met.highest, billed / capMicros);
    }
    // A dialect that nothing can be bought of would be under every cap.
    expect(met.settled).toBeGreaterThan(0);
    report(
      `the bill of ${dialect.name}`,
      rounds,
      `${met.requests} requests: ${met.settled} settled, ${met.unknown} unknown, ${met.released} released; ` +
        `the cap refused in ${met.refused} rounds, highest bill ${(100 * met.highest).toFixed(1)} % of its cap`,
    );
  },
  patience({ test: PROCESSES.timeout, chaos: 3_600_000 }),
);

function prepared(dialect: Dialect, url: string, capMicros: number): Deployment {
  const target = deployment({
    agent: "test-agent",
    budget: { daily_cap_usd: capMicros / 1e6, monthly_cap_usd: capMicros / 1e6 },
    models: {
      chain: ["openai/test", "extractive"],
      max_output_tokens: 300,
      timeout: "30s",
      providers: { openai: { base_url: `${url}/v1`, ...dialect.settings } },
      prices: { "openai/test": { input: PRICE.input, output: PRICE.output, cache_read: PRICE.cacheRead } },
    },
    breaker: { failures: 1_000, calls_per_minute: 10_000, same_request_per_hour: 10_000 },
    jobs: [
      { name: "digest", kind: "digest", every: "1d", max_items: ITEMS, sources: [{ folder: "./inbox" }] },
    ],
  });
  fillInbox(target, ITEMS);
  return target;
}

/** The provider's bill against the agent's books, request by request, and against the cap. */
function judge(bill: Billed[], entries: Entry[], capMicros: number, mayExceed: boolean): void {
  const billed = bill.reduce((sum, { micros }) => sum + micros, 0);
  let excess = 0;
  for (const { requestHash, micros, status } of bill) {
    const entry = entries.find(({ request_hash }) => request_hash === requestHash);
    const what = `${micros} micro-dollars billed for a ${status}, in the books as ${JSON.stringify(entry)}`;
    switch (entry?.state) {
      case "settled":
        expect(entry.cost_micros, what).toBeGreaterThanOrEqual(micros);
        expect(entry.cost_micros, what).toBeLessThanOrEqual(micros + ROUNDING_MICROS);
        break;
      case "unknown":
        break;
      case "released":
        expect(micros, what).toBe(0);
        break;
      default:
        expect.unreachable(what);
    }
    excess += Math.max(0, micros - entry.estimate_micros);
  }
  if (!mayExceed) expect(excess).toBe(0);
  // Above the cap by no more than what was billed above the bounds that were reserved.
  expect(billed).toBeLessThanOrEqual(capMicros + excess);
  const charged = entries
    .filter(({ state }) => state !== "released")
    .reduce((sum, entry) => sum + (entry.cost_micros ?? entry.estimate_micros), 0);
  expect(charged + excess).toBeGreaterThanOrEqual(billed);
}
