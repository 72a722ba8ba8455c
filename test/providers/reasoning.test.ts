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
  ["spaces within the brackets", `< think >Hm.</ think >${ANSWER}`],
  ["entities for the brackets", `&lt;think&gt;Hm.&lt;/think&gt;${ANSWER}`],
  ["Claude's prompts", `<antThinking>Hm.</antThinking>${ANSWER}`],
  ["DeepSeek's marks", `<｜begin▁of▁sentence｜>${ANSWER}<｜end▁of▁sentence｜>`],
  ["Llama's header", `<|start_header_id|>assistant<|end_header_id|>\n\n${ANSWER}<|eot_id|>`],
  ["the end of a prompt", `[/INST] ${ANSWER}</s>`],
  ["channels whose marks are gone", `analysisHm, brief.assistantfinal${ANSWER}`],
  ["a name space", `<seed:think>Hm.</seed:think>${ANSWER}`],
  ["Mistral's brackets", `[THINK]Hm.[/THINK]${ANSWER}`],
  ["Kimi's triangles", `◁think▷Hm.◁/think▷${ANSWER}`],
  ["an opening tag without its end, behind the answer", `${ANSWER}\n<think>Was that brief?`],
  ["only the closing tag", `I must be brief.\n</think>\n\n${ANSWER}`],
  ["a block in a block", `<think>a<think>b</think>c</think>${ANSWER}`],
  ["one block more than it has beginnings", `a</think>b</think>${ANSWER}`],
  ["code that ends nowhere in the reasoning", `<think>Use \`x or \`\`\`js\n</think>${ANSWER}`],
  ["the plural", `<thoughts>Hm.</thoughts>${ANSWER}`],
  [
    "names that prompts ask for",
    `<reasoning>a</reasoning><scratchpad>b</scratchpad><reflection>c</reflection>${ANSWER}`,
  ],
  ["the closing tag alone of such a name", `I must be brief.</internal_reasoning>${ANSWER}`],
  ["Cohere's marks", `<|START_THINKING|>Hm.<|END_THINKING|><|START_RESPONSE|>${ANSWER}<|END_RESPONSE|>`],
  [
    "marks in small letters",
    `<|begin_of_thought|>Hm.<|end_of_thought|>\n<|begin_of_solution|>${ANSWER}<|end_of_solution|>`,
  ],
  ["a tag for the answer", `<think>Hm.</think>\n<answer>\n${ANSWER}\n</answer>`],
  [
    "channels",
    `<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>${ANSWER}<|return|>`,
  ],
  [
    "a channel with a recipient",
    `<|channel|>commentary to=f <|message|>{}<|call|><|channel|>final<|message|>${ANSWER}`,
  ],
  ["marks of a chat template at its end", `${ANSWER}<|im_end|>\n<|endoftext|>`],
  ["the mark of an end", `${ANSWER}</s>`],
  ["whose turn it is", `<|assistant|>\n${ANSWER}<end_of_turn>`],
  ["a lone backtick before it", `\`\n<think>Hm.</think>${ANSWER}`.replace("`\n", "")],
])("cuts reasoning from a text with %s", (_, text) => {
  expect(withoutReasoning(text)).toBe(ANSWER);
});

it.each([
  ["an opening tag without its end", "<think>I need to write two sentences."],
  ["a channel that is no answer", "<|channel|>analysis<|message|>I need to write two sentences."],
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
  ["a heading in brackets", "[ANALYSIS] Why the harbour [REASONING] opens."],
  ["a mark in its middle", "The mark <|im_end|> ends a turn."],
  ["an answer that ends in a tag in code", "It ends in `</answer>`"],
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
  ["channels", "<|channel|>final<|message|>".repeat(100_000)],
  ["beginnings of channels", "<|channel|>final ".repeat(100_000)],
  ["marks", "<|x|>".repeat(300_000)],
  ["spaces", `a${" ".repeat(1_000_000)}a`],
  ["backticks and tags", "`<think>``</think>".repeat(100_000)],
])("takes no time that grows faster than the text, for %s", (_, text) => {
  const startedMs = performance.now();
  withoutReasoning(text);
  expect(performance.now() - startedMs).toBeLessThan(5_000);
});
