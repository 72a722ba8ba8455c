const CHARS_MAX = 64 * 1024;

/** Ends a sentence, with quotes and brackets that close behind it. Behind a digit a full stop may be half a number. */
const END = /(?:[!?…。！？؟।]|(?<!\d)\.)["'”’»」』)\]]*$/u;

/** What a text that was cut off says in whole sentences, from its beginning; empty where not even one is whole. */
export function wholeSentences(text: string): string {
  const segmenter = new Intl.Segmenter(undefined, { granularity: "sentence" });
  const sentences = [...segmenter.segment(text.slice(0, CHARS_MAX).trim())];
  const last = sentences.findLastIndex(({ segment }) => END.test(segment.trim()));
  return sentences
    .slice(0, last + 1)
    .map(({ segment }) => segment)
    .join("")
    .trim();
}
