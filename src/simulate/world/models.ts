import { createHash } from "node:crypto";
import type { Config } from "../../config/config.ts";
import type { Bill } from "../../faults/oracles/ledger.ts";
import type { SeededRandom } from "../../faults/seeded-random.ts";
import { isFree as costsNothing, priceOf } from "../../providers/prices.ts";
import type { Price } from "../../providers/types.ts";
import type { Asked, Reply } from "../environment/fake-socket.ts";
import type { FaultRates } from "./fault-rates.ts";
import { type Answer, brokenOff, reply, silence } from "./replies.ts";

/** Each is billed by what the provider did, whatever reached the agent. */
const OUTCOMES = {
  slow: 4,
  refused: 3,
  unauthorised: 0.3,
  busy: 4,
  failed: 4,
  bare: 2,
  gateway: 2,
  moved: 0.5,
  silent: 2,
  broken: 3,
  uncounted: 1,
  empty: 1,
  cut: 1,
  garbage: 1,
  above: 0.4,
} as const;

export type Outcome = keyof typeof OUTCOMES | "answered";

interface Usage {
  input: number;
  output: number;
}

/** The providers of the configuration: what each asks for, does, and bills. */
export interface Models {
  bills: Bill[];
  /** Null for an address that is no model's. */
  answer(asked: Asked): Reply | null;
}

type Dialect = "ollama" | "openai" | "anthropic";

export function createModels(config: Config, faultRates: FaultRates, random: SeededRandom): Models {
  const bills: Bill[] = [];
  const endpoints = new Map<string, Dialect>(
    (["ollama", "openai", "anthropic"] as const).map((dialect) => [addressOf(dialect, config), dialect]),
  );

  function answerAs(dialect: Dialect, asked: Asked): Reply {
    const request = JSON.parse(asked.body) as { model: string };
    const model = `${dialect}/${request.model}`;
    const price = priceOf(model, config.models);
    const isFree = costsNothing(price);
    const outcome: Outcome = random.chance(faultRates.trouble("models")) ? outcomeFor(isFree) : "answered";
    const usage = {
      input: Math.ceil(Buffer.byteLength(asked.body) / random.between(3, 5)),
      output: random.between(
        Math.min(5, config.models.maxOutputTokens),
        Math.min(80, config.models.maxOutputTokens),
      ),
    };
    const isAboveBound = outcome === "above";
    if (isAboveBound) usage.input = Buffer.byteLength(asked.body) * 40 + 1_000_000;
    bills.push({
      model,
      requestHash: createHash("sha256").update(asked.body).digest("hex"),
      micros: billed(outcome, usage, price),
      isAboveBound,
    });
    return respond(dialect, request.model, outcome, usage);
  }

  /** Only what costs something can be billed too high. */
  function outcomeFor(isFree: boolean): Outcome {
    const outcome = random.weighed(OUTCOMES);
    return outcome === "above" && isFree ? "slow" : outcome;
  }

  /** Mostly a nuisance, and now and then more than anybody waits for. */
  function slowness(): number {
    const { timeoutMs } = config.models;
    return random.between(4_000, random.chance(0.2) ? Math.floor(1.2 * timeoutMs) + 4_000 : 30_000);
  }

  function billed(outcome: Outcome, usage: Usage, price: Price): number {
    const micros = Math.ceil(usage.input * price.input) + Math.ceil(usage.output * price.output);
    switch (outcome) {
      case "refused":
      case "unauthorised":
      case "busy":
      case "failed":
      case "moved":
        return 0;
      case "bare":
      case "gateway":
      case "silent":
        // Perhaps it did the work, and perhaps not.
        return random.chance(0.5) ? micros : 0;
      default:
        return micros;
    }
  }

  function respond(dialect: Dialect, model: string, outcome: Outcome, usage: Usage): Reply {
    const afterMs = random.between(300, 4_000);
    const text = `It says that matter ${random.below(1_000)} is settled. Nothing is to be done.`;
    const whole = (said: string, ending: Ending, used: Usage | null) => ({
      ...completion(dialect, model, said, ending, used),
      afterMs,
    });
    const refusal = (status: number, headers: Record<string, string> = {}) =>
      reply({
        status,
        type: "application/json",
        headers,
        body: JSON.stringify({ error: { message: "refused by the simulation" } }),
        afterMs,
      });
    switch (outcome) {
      case "answered":
      case "above":
        return reply(whole(text, "complete", usage));
      case "slow":
        return reply({ ...whole(text, "complete", usage), afterMs: slowness() });
      case "refused":
        return refusal(random.of([400, 404, 413, 422]));
      case "unauthorised":
        return refusal(random.of([401, 403]));
      case "busy":
        return refusal(429, random.chance(0.7) ? { "retry-after": String(random.between(1, 7_200)) } : {});
      case "failed":
        return refusal(random.of([500, 503, 529]));
      case "bare":
        return reply({ status: 500, body: "Internal Server Error", afterMs });
      case "gateway":
        return reply({ status: random.of([502, 504]), body: "Bad Gateway", afterMs });
      case "moved":
        return reply({ status: 302, headers: { location: "https://elsewhere.example/" }, body: "", afterMs });
      case "silent":
        return silence();
      case "broken":
        return brokenOff(whole(text, "complete", usage), random);
      case "uncounted":
        return reply(whole(text, "complete", null));
      case "empty":
        return reply(whole(" ", "complete", usage));
      case "cut":
        return reply(whole(text, "cut", usage));
      case "garbage":
        return reply({ status: 200, type: "text/html", body: "<html>Welcome</html>", afterMs });
    }
  }

  return {
    bills,
    answer(asked) {
      const dialect = endpoints.get(asked.url.origin + asked.url.pathname);
      return dialect === undefined || asked.method !== "POST" ? null : answerAs(dialect, asked);
    },
  };
}

type Ending = "complete" | "cut";

function addressOf(dialect: Dialect, config: Config): string {
  const url = new URL(config.models.providers[dialect].baseUrl);
  const base = url.origin + url.pathname.replace(/\/+$/, "");
  switch (dialect) {
    case "ollama":
      return `${base}/api/chat`;
    case "openai":
      return `${base}/chat/completions`;
    case "anthropic":
      return `${base.replace(/\/v1$/, "")}/v1/messages`;
  }
}

/** A 200 in the provider's own words. */
function completion(
  dialect: Dialect,
  model: string,
  text: string,
  ending: Ending,
  usage: Usage | null,
): Omit<Answer, "afterMs"> {
  switch (dialect) {
    case "ollama": {
      const message = { role: "assistant", content: text };
      const counts = usage === null ? {} : { prompt_eval_count: usage.input, eval_count: usage.output };
      const done_reason = ending === "complete" ? "stop" : "length";
      const lines = [
        { model, message, done: false },
        { model, message: { role: "assistant", content: "" }, done: true, done_reason, ...counts },
      ];
      const body = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
      return { status: 200, type: "application/x-ndjson", body };
    }
    case "openai": {
      const finish_reason = ending === "complete" ? "stop" : "length";
      const counts =
        usage === null ? {} : { usage: { prompt_tokens: usage.input, completion_tokens: usage.output } };
      const choices = [{ index: 0, message: { role: "assistant", content: text }, finish_reason }];
      return { status: 200, type: "application/json", body: JSON.stringify({ model, choices, ...counts }) };
    }
    case "anthropic": {
      const stop_reason = ending === "complete" ? "end_turn" : "max_tokens";
      const counts =
        usage === null ? {} : { usage: { input_tokens: usage.input, output_tokens: usage.output } };
      const content = [{ type: "text", text }];
      return {
        status: 200,
        type: "application/json",
        body: JSON.stringify({ model, content, stop_reason, ...counts }),
      };
    }
  }
}
