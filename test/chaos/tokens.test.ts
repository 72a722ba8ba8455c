import * as cl100k from "gpt-tokenizer/encoding/cl100k_base";
import * as o200k from "gpt-tokenizer/encoding/o200k_base";
import { expect, it } from "vitest";
import { createAnthropic } from "../../src/providers/anthropic/anthropic.ts";
import { estimateMicros } from "../../src/providers/estimate.ts";
import { createOllama } from "../../src/providers/ollama/ollama.ts";
import { createOpenai } from "../../src/providers/openai/openai.ts";
import type { Message } from "../../src/providers/types.ts";
import { cases, chaosSeed, patience, report } from "../support/chaos.ts";
import { seededRandomness } from "../support/seeded.ts";
import { hostileText, type Random, randomFrom } from "./support/hostile-text.ts";

const PROVIDERS = [createOpenai, createAnthropic, createOllama].map((create) =>
  create({ name: "any", settings: {}, baseUrl: "http://127.0.0.1:1", apiKey: null }),
);
/** A micro-dollar a token, so that an estimate counts tokens, and what it adds for rounding. */
const ONE_EACH = { input: 1, output: 0, cacheRead: 1, cacheWrite: 1 };
const ROUNDING = 6;
/** What OpenAI documents for its chat format: 3 a message with the role, 3 for the reply; a name is not sent. */
const TOKENS_A_MESSAGE = 4;
const TOKENS_A_REPLY = 3;
/** Special tokens count as text, which is dearer; read as themselves they are one token each. */
const AS_TEXT = { disallowedSpecial: new Set<string>() };

const FORMS = [
  (text: string) => text,
  (text: string) => text.normalize("NFC"),
  (text: string) => text.normalize("NFKC"),
];

it("reserves for at least as many tokens as real tokenizers make of any text", {
  timeout: patience({ test: 240_000, chaos: 1_200_000 }),
}, () => {
  const random = randomFrom(seededRandomness(chaosSeed("tokens")));
  const count = cases({ test: 20_000, chaos: 200_000 });
  const broken: { messages: Message[]; actual: number; bound: number }[] = [];
  const control = { broken: 0 };
  let tightest = 0;
  for (let n = 0; n < count; ) {
    const messages = conversation(random);
    n += messages.length;
    const actual = actualTokens(messages);
    const bound = boundOf(messages, random);
    tightest = Math.max(tightest, actual / bound);
    if (actual > bound) broken.push({ messages, actual, bound });
    if (actual > quarterOfCharacters(messages)) control.broken += 1;
  }
  report(
    "tokens",
    count,
    `at most ${(tightest * 100).toFixed(1)} % of the bound; characters / 4 broke ${control.broken} times`,
  );
  expect(broken.slice(0, 3)).toEqual([]);
  // The attack can find a bad bound: the usual rule of thumb is one.
  expect(control.broken).toBeGreaterThan(count / 20);
});

function conversation(random: Random): Message[] {
  return Array.from({ length: random.of([1, 1, 1, 2, 3]) }, (_, index) => ({
    role: index === 0 && random.below(2) === 0 ? ("system" as const) : ("user" as const),
    content: hostileText(random),
  }));
}

/** The most that any of the tokenizers and forms makes of it. A provider sees well-formed text, as JSON carries it. */
function actualTokens(messages: Message[]): number {
  const counts = [o200k, cl100k].flatMap(({ countTokens }) =>
    FORMS.map((form) =>
      messages.reduce(
        (sum, { content }) => sum + TOKENS_A_MESSAGE + countTokens(form(content.toWellFormed()), AS_TEXT),
        TOKENS_A_REPLY,
      ),
    ),
  );
  return Math.max(...counts);
}

function boundOf(messages: Message[], random: Random): number {
  const body = random.of(PROVIDERS).body("m", { messages, maxOutputTokens: 1, temperature: 0 });
  return estimateMicros(body, messages.length, 1, ONE_EACH) - ROUNDING;
}

function quarterOfCharacters(messages: Message[]): number {
  return messages.reduce((sum, { content }) => sum + Math.ceil(content.length / 4) + 16, 16);
}
