import { createHash } from "node:crypto";
import type { Config } from "../../config/config.ts";
import { answerOf, type Behaviour, limitOf } from "../../faults/model-answers.ts";
import { PROTOCOLS, type ProtocolName } from "../../faults/model-protocols.ts";
import type { Bill } from "../../faults/oracles/ledger.ts";
import type { SeededRandom } from "../../faults/seeded-random.ts";
import { isFree as costsNothing, priceOf } from "../../providers/prices.ts";
import type { ProviderConfig } from "../../providers/types.ts";
import type { Asked, Reply } from "../environment/network.ts";
import type { FaultRates } from "./fault-rates.ts";
import { brokenOff, reply } from "./replies.ts";

interface Fault {
  /** How often it is met, among the others. */
  weight: number;
  /** Whatever reached the agent; "perhaps": it did the work, or not. */
  isBilled: boolean | "perhaps";
  behaviour(random: SeededRandom, text: string): Behaviour;
}

const error = (status: number, headers = {}): Behaviour => ({
  type: "error",
  status,
  headers,
  message: "refused by the simulation",
});

const FAULTS = {
  slow: { weight: 4, isBilled: true, behaviour: (_random, text) => ({ type: "reply", text }) },
  refused: { weight: 3, isBilled: false, behaviour: (random) => error(random.of([400, 404, 413, 422])) },
  unauthorised: { weight: 0.3, isBilled: false, behaviour: (random) => error(random.of([401, 403])) },
  busy: {
    weight: 4,
    isBilled: false,
    behaviour: (random) =>
      error(429, random.chance(0.7) ? { "retry-after": String(random.between(1, 7_200)) } : {}),
  },
  failed: { weight: 4, isBilled: false, behaviour: (random) => error(random.of([500, 503, 529])) },
  proxyFailed: {
    weight: 4,
    isBilled: "perhaps",
    behaviour: (random) => ({ type: "html", status: random.of([500, 500, 502, 504]) }),
  },
  moved: {
    weight: 0.5,
    isBilled: false,
    behaviour: () => ({
      type: "raw",
      status: 302,
      headers: { location: "https://elsewhere.example/" },
      body: "",
    }),
  },
  silent: { weight: 2, isBilled: "perhaps", behaviour: () => ({ type: "hang" }) },
  broken: { weight: 3, isBilled: true, behaviour: (_random, text) => ({ type: "reply", text }) },
  uncounted: { weight: 1, isBilled: true, behaviour: (_random, text) => ({ type: "missingUsage", text }) },
  empty: { weight: 1, isBilled: true, behaviour: () => ({ type: "emptyText" }) },
  cut: { weight: 1, isBilled: true, behaviour: (_random, text) => ({ type: "lengthTruncated", text }) },
  garbage: {
    weight: 1,
    isBilled: true,
    behaviour: () => ({
      type: "raw",
      headers: { "content-type": "text/html" },
      body: "<html>Welcome</html>",
    }),
  },
  aboveBound: { weight: 0.4, isBilled: true, behaviour: (_random, text) => ({ type: "reply", text }) },
} as const satisfies Record<string, Fault>;

type FaultKind = keyof typeof FAULTS;

const WEIGHTS = Object.fromEntries(
  Object.entries(FAULTS).map(([kind, { weight }]) => [kind, weight]),
) as Record<FaultKind, number>;

/** The providers that the configuration names: what each asks for, does, and bills. */
export function createModels(config: Config, faultRates: FaultRates, random: SeededRandom) {
  const bills: Bill[] = [];
  const endpoints = new Map(
    Object.entries(config.models.providers).flatMap(([name, provider]) => {
      const protocol = PROTOCOL_NAMES.find((each) => each === provider.type);
      return protocol === undefined ? [] : [[addressOf(protocol, provider), { name, protocol }]];
    }),
  );

  function answerAs({ name, protocol }: { name: string; protocol: ProtocolName }, { body }: Asked): Reply {
    const json = JSON.parse(body) as { model: string };
    const model = `${name}/${json.model}`;
    const price = priceOf(model, config.models);
    const kind = random.chance(faultRates.rate("models")) ? faultFor(costsNothing(price)) : null;
    const isAboveBound = kind === "aboveBound";
    const most = Math.min(config.models.maxOutputTokens, limitOf({ ...json }));
    const bytes = Buffer.byteLength(body);
    const usage = {
      inputTokens: isAboveBound ? bytes * 40 + 1_000_000 : Math.ceil(bytes / random.between(3, 5)),
      outputTokens: random.between(Math.min(5, most), Math.min(80, most)),
      cacheReadTokens: 0,
      cacheWriteTokens: 0,
    };
    const micros = Math.ceil(usage.inputTokens * price.input) + Math.ceil(usage.outputTokens * price.output);
    const isBilled = kind === null ? true : FAULTS[kind].isBilled;
    bills.push({
      model,
      requestHash: createHash("sha256").update(body).digest("hex"),
      micros: (isBilled === "perhaps" ? random.chance(0.5) : isBilled) ? micros : 0,
      isAboveBound,
    });
    const text = `It says that matter ${random.below(1_000)} is settled. Nothing is to be done.`;
    const behaviour: Behaviour =
      kind === null ? { type: "reply", text } : FAULTS[kind].behaviour(random, text);
    const afterMs = kind === "slow" ? slowness() : random.between(300, 4_000);
    const answer = reply(answerOf(PROTOCOLS[protocol], behaviour, { model: json.model, usage }), afterMs);
    return kind === "broken" ? brokenOff(answer, random) : answer;
  }

  /** Only what costs something can be billed too high. */
  function faultFor(isFree: boolean): FaultKind {
    const kind = random.weighted(WEIGHTS);
    return kind === "aboveBound" && isFree ? "slow" : kind;
  }

  /** Mostly a nuisance, and now and then more than anybody waits for. */
  function slowness(): number {
    const { timeoutMs } = config.models;
    return random.between(4_000, random.chance(0.2) ? Math.floor(1.2 * timeoutMs) + 4_000 : 30_000);
  }

  return {
    bills,
    /** Null for an address that is no model's. */
    answer(asked: Asked): Reply | null {
      const endpoint = endpoints.get(asked.url.origin + asked.url.pathname);
      return endpoint === undefined || asked.method !== "POST" ? null : answerAs(endpoint, asked);
    },
  };
}

const PROTOCOL_NAMES = Object.keys(PROTOCOLS) as ProtocolName[];

/** Base addresses end with /v1 or not, as their provider has it. */
function addressOf(protocol: ProtocolName, { baseUrl }: ProviderConfig): string {
  const base = baseUrl.replace(/\/+$/, "").replace(/\/v1$/, "");
  const { path } = PROTOCOLS[protocol];
  const hasVersion = /\/v1\/*$/.test(baseUrl);
  return base + (protocol === "openai" && !hasVersion ? path.replace(/^\/v1/, "") : path);
}
