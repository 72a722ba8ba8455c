import { expect, it } from "vitest";
import { ReplyUnusable } from "../../../src/providers/reply-unusable.ts";
import { ask, failure, harness, KINDS } from "../providers.ts";

const KIND = KINDS[1]!;
const MODEL = KIND.model;
const ANSWER = "The harbour opens in May.";
const USAGE = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };
const READ = { inputTokens: 10, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 5 };

const reply = (choice: object, more: object = { usage: USAGE }) =>
  JSON.stringify({ choices: [choice], ...more });
const message = (content: unknown, more: object = {}) =>
  reply({ message: { content, ...more }, finish_reason: "stop" });
const events = (...chunks: object[]) => chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join("");
const delta = (content: string, finish_reason: string | null = null) => ({
  choices: [{ index: 0, delta: { content }, finish_reason }],
});

it.each([
  ["a byte order mark", `\ufeff${message(ANSWER)}`],
  ["empty lines while it worked", `\n\n  ${message(ANSWER)}`],
  ["reasoning beside the answer", message(ANSWER, { reasoning_content: "Hm.", reasoning: "Hm." })],
  ["parts without a type", message([{ text: "The harbour " }, { text: "opens in May." }])],
  ["parts as the Responses API names them", message([{ type: "output_text", text: ANSWER }])],
  ["texts with a value", message([{ type: "text", text: { value: ANSWER, annotations: [] } }])],
  ["one part", message({ type: "text", text: ANSWER })],
  [
    "reasoning as a part",
    message([
      { type: "thinking", thinking: [{ type: "text", text: "Hm." }] },
      { type: "reasoning", text: "Hm." },
      { type: "text", text: ANSWER },
    ]),
  ],
  ["the older form", reply({ text: ANSWER, finish_reason: "stop" })],
  ["the form of a stream", reply({ delta: { content: ANSWER }, finish_reason: "stop" })],
  ["an error that is none", reply({ message: { content: ANSWER } }, { usage: USAGE, error: null })],
  ["comments before it", `: working\n\n: working\n\n${message(ANSWER)}`],
  [
    "a stream that nobody asked for",
    `: working\n\n${events(delta("The harbour "), delta("opens in May.", "stop"), { choices: [], usage: USAGE })}data: [DONE]\n\n`,
  ],
  [
    "a stream with line ends of CR LF",
    events(delta(ANSWER, "stop"), { usage: USAGE }).replaceAll("\n", "\r\n"),
  ],
])("reads a reply with %s, and what it cost", async (_, body) => {
  const { provider } = await harness(KIND, { type: "raw", body });
  expect(await ask(provider, MODEL)).toEqual({ text: ANSWER, usage: READ });
});

it("keeps whole sentences of a stream that was cut off at the limit", async () => {
  const body = events(delta(`${ANSWER} Boats`, "length"), { choices: [], usage: USAGE });
  const { provider } = await harness(KIND, { type: "raw", body });
  expect(await ask(provider, MODEL)).toEqual({ text: ANSWER, usage: READ, truncated: true });
});

it.each([
  [
    "a tool call",
    { tool_calls: [{ id: "1", type: "function", function: { name: "f" } }] },
    "sent an empty reply: it called a tool that nobody offered.",
  ],
  [
    "a function call",
    { function_call: { name: "f" } },
    "sent an empty reply: it called a tool that nobody offered.",
  ],
  ["a refusal", { refusal: "I cannot.\nSorry." }, "sent an empty reply: it refused: I cannot. Sorry."],
  ["reasoning alone", { reasoning_content: "Hm." }, "sent an empty reply: all of it is reasoning."],
  [
    "reasoning alone under another name",
    { reasoning: "Hm." },
    "sent an empty reply: all of it is reasoning.",
  ],
  ["nothing", { tool_calls: [] }, "sent an empty reply."],
])("says what a reply of %s is, and prices it by its usage", async (_, fields, said) => {
  const { provider } = await harness(KIND, { type: "raw", body: message(null, fields) });
  const failed = await failure(ask(provider, MODEL));
  expect(failed).toBeInstanceOf(ReplyUnusable);
  expect(failed.message).toContain(`${KIND.name}/${MODEL} ${said}`);
  expect((failed as ReplyUnusable).usage).toMatchObject(READ);
});

it.each([
  ["that broke off", events(delta("The harbour "))],
  ["of nothing", "data: [DONE]\n\n"],
  ["of an error", events({ error: { message: "the model ran out of memory" } })],
  ["that is text", "data: text"],
  ["of lists in lists", `data: ${"[".repeat(100_000)}\n\n`],
])("refuses a stream %s", async (_, body) => {
  const { provider } = await harness(KIND, { type: "raw", body });
  expect(await failure(ask(provider, MODEL))).toMatchObject({ charge: "unknown", trip: "count" });
});
