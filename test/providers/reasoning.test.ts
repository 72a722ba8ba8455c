import { expect, it } from "vitest";
import { withoutReasoning } from "../../src/providers/reasoning.ts";

const ANSWER = "The harbour opens in May. Boats may enter.";

it.each([
  ["a block", `<think>\nHm.\n</think>\n\n${ANSWER}`],
  ["an empty block", `<think>\n\n</think>\n\n${ANSWER}`],
  [
    "several blocks",
    `<think>a</think>The harbour opens in May. <think>b</think>Boats may enter.<think>c</think>`,
  ],
  ["capitals", `<THINK>Hm.</Think>${ANSWER}`],
  ["the longer name", `<thinking>Hm.</thinking>${ANSWER}`],
  ["Gemini's name", `<thought>Hm.</thought>${ANSWER}`],
  ["attributes", `<think type="deep" budget='9'>Hm.</think>${ANSWER}`],
  ["spaces in the tags", `<think >Hm.</think >${ANSWER}`],
  ["a name space", `<seed:think>Hm.</seed:think>${ANSWER}`],
  ["Mistral's brackets", `[THINK]Hm.[/THINK]${ANSWER}`],
  ["Kimi's triangles", `◁think▷Hm.◁/think▷${ANSWER}`],
  ["an opening tag without its end, behind the answer", `${ANSWER}\n<think>Was that brief?`],
  ["only the closing tag", `I must be brief.\n</think>\n\n${ANSWER}`],
  ["a block in a block", `<think>a<think>b</think>c</think>${ANSWER}`],
  ["one block more than it has beginnings", `a</think>b</think>${ANSWER}`],
  ["code that ends nowhere in the reasoning", `<think>Use \`x or \`\`\`js\n</think>${ANSWER}`],
  ["a lone backtick before it", `\`\n<think>Hm.</think>${ANSWER}`.replace("`\n", "")],
])("cuts reasoning from a text with %s", (_, text) => {
  expect(withoutReasoning(text)).toBe(ANSWER);
});

it.each([
  ["an opening tag without its end", "<think>I need to write two sentences."],
  ["nothing but a block", "<think>I need to write two sentences.</think>\n"],
])("leaves nothing of %s", (_, text) => {
  expect(withoutReasoning(text)).toBe("");
});

it.each([
  ["no tags", "  A summary. \n"],
  ["a tag in code", "Qwen writes `<think>` before and `</think>` behind its reasoning."],
  ["a tag in longer code", "Write ``a ` </think>`` there."],
  ["a tag in a block of code", "Before.\n```xml\n<think>\nHm.\n</think>\n```\nAfter."],
  ["other tags", "A <b>thinkpad</b> and a <thinker>."],
  ["brackets that are no tag", "He was [thinking] of it, and [thought] so."],
])("leaves a text with %s as it is", (_, text) => {
  expect(withoutReasoning(text)).toBe(text);
});

it("cuts the reasoning and keeps the tag that the answer speaks of in code", () => {
  expect(withoutReasoning("<think>Hm.</think>The tag is `<think>`.")).toBe("The tag is `<think>`.");
});

it.each([
  ["backticks", "` ``".repeat(200_000)],
  ["opening tags", "<think>".repeat(200_000)],
  ["closing tags", "</think>".repeat(200_000)],
  ["beginnings of tags", `<think ${"x".repeat(50)}`.repeat(50_000)],
  ["backticks and tags", "`<think>``</think>".repeat(100_000)],
])("takes no time that grows faster than the text, for %s", (_, text) => {
  const startedMs = performance.now();
  withoutReasoning(text);
  expect(performance.now() - startedMs).toBeLessThan(5_000);
});
