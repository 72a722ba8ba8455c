/** A run of backticks, or a tag that begins or ends reasoning, as Qwen, DeepSeek, Gemini, Mistral, Seed and Kimi write it. */
const TAG = /(`+)|[<[◁](\/?)(?:\w{1,20}:)?(?:think|thinking|thought)(?:\s[^<>]{0,200})?[>\]▷]/giu;

/**
 * What a model says, without the reasoning that some servers leave in the text. An opening tag without its end is reasoning
 * to the end of the text; where only the closing tag stands, since the prompt held the other one, everything before it is.
 * Tags in code are what the text speaks of, and stay.
 */
export function withoutReasoning(text: string): string {
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
    const [whole, backticks, slash] = tag;
    const end = tag.index + whole.length;
    if (backticks !== undefined) {
      // Nothing in reasoning is code for us: a lone backtick there would hide its end.
      if (!isReasoning) index = endOfCode(text, tags, index);
    } else if (slash !== "") {
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
