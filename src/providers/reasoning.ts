/**
 * A run of backticks, or a tag that begins or ends reasoning, as Qwen, DeepSeek, Gemini, Mistral, Seed, Kimi and Cohere write it,
 * and models that were trained on prompts.
 */
const TAG =
  /(`+)|(?:[<[◁]|&lt;)\s?(\/?)\s?(?:\w{1,20}:|ant)?(?:think|thinking|thoughts?)(?:\s[^<>&]{0,200})?(?:[>\]▷]|&gt;)|<(\/?)(?:reasoning|internal_reasoning|reflection|scratchpad|inner_monologue|analysis)>|<\|(?:(?:begin_of_thought|start_thinking|think)|(end_of_thought|end_thinking|\/think))\|>/giu;

/** How gpt-oss marks what is meant for whom, where a server hands it on as it is (https://github.com/openai/harmony). */
const CHANNEL = /<\|channel\|>\s*(\w+)[^<]{0,100}<\|message\|>/g;

/** The same where a server has taken the marks away, and their words stay. */
const BARE_CHANNEL = /^analysis[\s\S]*?assistantfinal(?=\S|\s)/;

/** Marks of a chat template around an answer, and the tags that prompts ask for around it. */
const MARK_BEFORE =
  /^\s*(?:<\|(?:start_header_id|im_start)\|>\s?assistant\s?(?:<\|end_header_id\|>|\n)|<[|｜][\w▁|]{1,40}[|｜]>|\[\|assistant\|\]|\[\/INST\]|<s>|<(?:answer|response|output|final|final_answer|solution)>)/i;
const MARK_BEHIND =
  /(?:<[|｜][\w▁|]{1,40}[|｜]>|<\/s>|<end_of_turn>|<\/(?:answer|response|output|final|final_answer|solution)>)\s*$/i;
const MARKS_MAX = 10;

/**
 * What a model says, without the reasoning that some servers leave in the text. An opening tag without its end is reasoning
 * to the end of the text; where only the closing tag stands, since the prompt held the other one, everything before it is.
 * Tags in code are what the text speaks of, and stay.
 */
export function withoutReasoning(said: string): string {
  return withoutMarks(outsideTags(finalChannel(said)));
}

/** What stands in the last channel that is the answer; of a text without channels all. */
function finalChannel(said: string): string {
  const channels = [...said.matchAll(CHANNEL)];
  if (channels.length === 0) return said.replace(BARE_CHANNEL, "");
  const last = channels.findLast(([, name]) => name === "final");
  if (last === undefined) return "";
  const answer = said.slice(last.index + last[0].length);
  return answer.split(/<\|(?:end|return|call|start|channel)\|>/, 1)[0] ?? "";
}

function withoutMarks(text: string): string {
  let answer = text;
  for (let count = 0; count < MARKS_MAX; count++) {
    // The last characters alone are searched for what stands at the end.
    const tail = answer.slice(-MARK_CHARS_MAX).replace(MARK_BEHIND, "");
    const stripped = (answer.slice(0, -MARK_CHARS_MAX) + tail).replace(MARK_BEFORE, "");
    if (stripped === answer) break;
    answer = stripped.trim();
  }
  return answer;
}

const MARK_CHARS_MAX = 60;

function outsideTags(text: string): string {
  // In brackets it is a tag in capitals alone; "[thinking]" is how people write what they added.
  const tags = [...text.matchAll(TAG)].filter(([tag]) => tag[0] !== "[" || tag === tag.toUpperCase());
  if (tags.every(([, backticks]) => backticks !== undefined)) return text;
  let answer = "";
  /** Where what is not yet taken or cut begins. */
  let start = 0;
  let isReasoning = false;
  for (let index = 0; index < tags.length; index++) {
    const tag = tags[index];
    if (tag === undefined) break;
    const [whole, backticks, ...closing] = tag;
    const end = tag.index + whole.length;
    if (backticks !== undefined) {
      // Nothing in reasoning is code for us: a lone backtick there would hide its end.
      if (!isReasoning) index = endOfCode(text, tags, index);
    } else if (closing.some(Boolean)) {
      if (!isReasoning) answer = "";
      isReasoning = false;
      start = end;
    } else if (!isReasoning) {
      answer += text.slice(start, tag.index);
      isReasoning = true;
    }
  }
  return (isReasoning ? answer : answer + text.slice(start)).trim();
}

/** The index of the tag that ends the code which this run of backticks begins: as many again, for one or two on one line. */
function endOfCode(text: string, tags: RegExpExecArray[], open: number): number {
  const backticks = tags[open]?.[1] ?? "";
  let from = tags[open]?.index ?? 0;
  for (let other = open + 1; other < tags.length; other++) {
    const tag = tags[other];
    if (tag === undefined) break;
    if (backticks.length < 3 && text.slice(from, tag.index).includes("\n")) break;
    if (tag[1] === backticks) return other;
    from = tag.index;
  }
  return open;
}
