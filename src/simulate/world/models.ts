import { createHash } from "node:crypto";
import type { Config } from "../../config/config.ts";
import { answerOf, type Behaviour, limitOf } from "../../faults/model-answers.ts";
import { PROTOCOLS, type ProtocolName } from "../../faults/model-protocols.ts";
import type { Bill } from "../../faults/oracles/ledger.ts";
import type { SeededRandom } from "../../faults/seeded-random.ts";
import { assert } from "../../lib/errors.ts";
import { isFree as costsNothing, priceOf } from "../../providers/prices.ts";
import type { Asked, Reply } from "../environment/network.ts";
import type { FaultRates } from "./fault-rates.ts";
import { brokenOff, reply } from "./replies.ts";

/**
 * How often it is met, among the others; whether it is billed, whatever reached the agent ("perhaps": the model did the work,
 * or not); and what the server does.
 */
type Fault = readonly [
  weight: number,
  isBilled: boolean | "perhaps",
  behaviour: (random: SeededRandom, text: string) => Behaviour,
];

const message = "refused by the simulation";
const error = (status: number, headers = {}): Behaviour => ({ type: "error", status, headers, message });
const whole = (_random: SeededRandom, text: string): Behaviour => ({ type: "reply", text });
const seconds = (random: SeededRandom) => ({ "retry-after": String(random.between(1, 7_200)) });
const moved = { location: "https://elsewhere.example/" };
const html = { "content-type": "text/html" };

const FAULTS = {
  slow: [4, true, whole],
  refused: [3, false, (random) => error(random.of([400, 404, 413, 422]))],
  unauthorised: [0.3, false, (random) => error(random.of([401, 403]))],
  busy: [4, false, (random) => error(429, random.chance(0.7) ? seconds(random) : {})],
  failed: [4, false, (random) => error(random.of([500, 503, 529]))],
  proxyFailed: [4, "perhaps", (random) => ({ type: "html", status: random.of([500, 500, 502, 504]) })],
  moved: [0.5, false, () => ({ type: "raw", status: 302, headers: moved, body: "" })],
  silent: [2, "perhaps", () => ({ type: "hang" })],
  broken: [3, true, whole],
  uncounted: [1, true, (_random, text) => ({ type: "missingUsage", text })],
  empty: [1, true, () => ({ type: "emptyText" })],
  cut: [1, true, (_random, text) => ({ type: "lengthTruncated", text })],
  garbage: [1, true, () => ({ type: "raw", headers: html, body: "<html>Welcome</html>" })],
  aboveBound: [0.4, true, whole],
} as const satisfies Record<string, Fault>;

type FaultKind = keyof typeof FAULTS;

const WEIGHTS = Object.fromEntries(
  Object.entries(FAULTS).map(([kind, [weight]]) => [kind, weight]),
) as Record<FaultKind, number>;

/** The providers that the configuration names: what each asks for, does, and bills. */
export function createModels(config: Config, faultRates: FaultRates, random: SeededRandom) {
  const bills: Bill[] = [];
  const providers = Object.entries(config.models.providers).flatMap(([name, { type, baseUrl }]) => {
    const protocol = (Object.keys(PROTOCOLS) as ProtocolName[]).find((each) => each === type);
    // Base addresses end with /v1 or not, as their provider has it.
    return protocol === undefined ? [] : [{ name, protocol, base: baseUrl.replace(/(\/v1)?\/*$/, "") }];
  });

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
    const [, isBilled, behave] = kind === null ? FAULTS.slow : FAULTS[kind];
    bills.push({
      model,
      requestHash: createHash("sha256").update(body).digest("hex"),
      micros: (isBilled === "perhaps" ? random.chance(0.5) : isBilled) ? micros : 0,
      isAboveBound,
    });
    const text = `It says that matter ${random.below(1_000)} is settled. Nothing is to be done.`;
    const behaviour: Behaviour = behave(random, text);
    const afterMs = kind === "slow" ? slowness() : random.between(300, 4_000);
    const { path, formats } = PROTOCOLS[protocol];
    const format = formats[path];
    assert(format !== undefined, `the protocol ${protocol} has no format for ${path}`);
    const call = { model: json.model, asked: { ...json }, format, usage };
    const answer = reply(answerOf(PROTOCOLS[protocol], behaviour, call), afterMs);
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
      const { href, pathname } = asked.url;
      const provider = providers.find(
        ({ base, protocol }) =>
          href.startsWith(base) && pathname.endsWith(PROTOCOLS[protocol].path.replace("/v1", "")),
      );
      return provider === undefined || asked.method !== "POST" ? null : answerAs(provider, asked);
    },
  };
}
