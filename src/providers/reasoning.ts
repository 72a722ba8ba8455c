/** A run of backticks, or a tag that begins or ends reasoning, as Qwen, DeepSeek, Gemini, Mistral, Seed and Kimi write it. */
const MARK = /(`+)|[<[◁](\/?)(?:\w{1,20}:)?(?:think|thinking|thought)(?:\s[^<>]{0,200})?[>\]▷]/giu;

/**
 * What a model says, without the reasoning that some servers leave in the text. An opening tag without its end is reasoning
 * to the end of the text; where only the closing tag stands, since the prompt held the other one, everything before it is.
 * Tags in code are what the text speaks of, and stay.
 */
export function withoutReasoning(text: string): string {
  // In brackets it is a tag in capitals alone; "[thinking]" is how people write what they added.
  const marks = [...text.matchAll(MARK)].filter(([mark]) => mark[0] !== "[" || mark === mark.toUpperCase());
  if (marks.every(([, backticks]) => backticks !== undefined)) return text;
  let answer = "";
  /** Where what is not yet taken or cut begins. */
  let start = 0;
  let isReasoning = false;
  for (let index = 0; index < marks.length; index++) {
    const mark = marks[index];
    if (mark === undefined) break;
    const [whole, backticks, slash] = mark;
    const end = mark.index + whole.length;
    if (backticks !== undefined) {
      // Nothing in reasoning is code for us: a lone backtick there would hide its end.
      if (!isReasoning) index = endOfCode(text, marks, index);
    } else if (slash !== "") {
      if (!isReasoning) answer = "";
      isReasoning = false;
      start = end;
    } else if (!isReasoning) {
      answer += text.slice(start, mark.index);
      isReasoning = true;
    }
  }
  return (isReasoning ? answer : answer + text.slice(start)).trim();
}

/** The index of the mark that ends the code which this run of backticks begins: as many again, for one or two on one line. */
function endOfCode(text: string, marks: RegExpExecArray[], open: number): number {
  const backticks = marks[open]?.[1] ?? "";
  let from = marks[open]?.index ?? 0;
  for (let other = open + 1; other < marks.length; other++) {
    const mark = marks[other];
    if (mark === undefined) break;
    if (backticks.length < 3 && text.slice(from, mark.index).includes("\n")) break;
    if (mark[1] === backticks) return other;
    from = mark.index;
  }
  return open;
}
