import fc from "fast-check";
import * as cl100k from "gpt-tokenizer/encoding/cl100k_base";
import * as o200k from "gpt-tokenizer/encoding/o200k_base";
import { expect, it } from "vitest";
import { PRICED, RULES, route } from "./asked.ts";

const wide = { ...PRICED, price: { ...PRICED.price, contextWindow: 10_000_000 } };
const PLAIN = { allowedSpecial: new Set<string>(), disallowedSpecial: new Set<string>() };

/** Every character beyond ASCII as an escape, as Python's json.dumps writes it. */
const escaped = (said: unknown) =>
  JSON.stringify(said).replace(
    /[\u0080-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 200 }),
  fc.string({
    unit: fc.constantFrom("\uFDFA", "ﬃ", "é", "e\u0301", "한", "𝔸", "👩‍👩‍👧", " ", "\n", "\\u"),
    maxLength: 100,
  }),
  fc.string({ unit: "grapheme", maxLength: 200 }),
);

/** Of the forms that a tokenizer may see. */
function tokensIn(words: string): number {
  const forms = [words, words.normalize("NFC"), words.normalize("NFKC")];
  return Math.max(
    ...forms.flatMap((form) => [cl100k, o200k].map(({ encode }) => encode(form, PLAIN).length)),
  );
}

const REQUESTS: [path: string, build: (words: string[]) => Record<string, unknown>][] = [
  ["chat/completions", (words) => ({ messages: words.map((content) => ({ role: "user", content })) })],
  [
    "chat/completions",
    (words) => ({
      messages: [{ role: "user", content: words.map((each) => ({ type: "text", text: each })) }],
    }),
  ],
  [
    "chat/completions",
    (words) => ({
      messages: [],
      tools: words.map((description) => ({ type: "function", function: { name: "a", description } })),
    }),
  ],
  [
    "responses",
    (words) => ({ input: words.map((content) => ({ role: "user", content })), instructions: words.join("") }),
  ],
  [
    "responses",
    (words) => ({ input: words.map((output) => ({ type: "function_call_output", call_id: "c", output })) }),
  ],
  ["completions", (words) => ({ prompt: words })],
  ["embeddings", (words) => ({ input: words })],
];

it.each(REQUESTS)("a request to %s is never bounded below the tokens of its text (%#)", (path, build) => {
  fc.assert(
    fc.property(fc.array(text, { maxLength: 5 }), fc.boolean(), (words, isEscaped) => {
      const said = build(words);
      const body = { headers: {}, text: isEscaped ? escaped(said) : JSON.stringify(said), said };
      const { estimateTokens, outputTokensMax } = route(path).bound(body, wide, RULES);
      const tokens = words.reduce((sum, each) => sum + tokensIn(each), 0);
      expect(estimateTokens - outputTokensMax).toBeGreaterThanOrEqual(tokens);
    }),
    { numRuns: 60 },
  );
});
