const INPUT_CHARS_MAX = 64 * 1024;
const SENTENCE_CHARS_MAX = 500;
/** A sentence of fewer words is a heading or a fragment; a longer one gains nothing from its length. */
const WORDS_FULL = 8;

/** The words that are frequent in every text and so say nothing about this one. */
const STOP_WORDS = new Set(
  (
    "a an and are as at be been but by can for from had has have he her his i if in into is it its may more no not " +
    "of on or our she so than that the their them then there these they this to was we were what when which who " +
    "will with would you your " +
    "aber als am an auch auf aus bei bis das dass dem den der des die durch ein eine einem einen einer eines er es " +
    "für hat haben ich ihr im in ist mit nach nicht noch nur oder sich sie sind über um und uns von vor war waren " +
    "was wenn wer wie wird wir wurde zu zum zur"
  ).split(" "),
);

interface Sentence {
  text: string;
  words: string[];
  index: number;
}

/**
 * A summary without a model: the `sentences` that say most of what the text says, in their own order. The same
 * text gives the same summary. Reads the first 65,536 characters; never throws, whatever the text; empty in, empty out.
 */
export function summarise(text: string, sentences: number, language?: string): string {
  const all = sentencesOf(text.slice(0, INPUT_CHARS_MAX).toWellFormed(), localeOf(language));
  const weights = wordWeights(all);
  const scored = all.map((sentence) => ({ sentence, score: scoreOf(sentence, weights) }));
  const best = scored
    .toSorted((a, b) => b.score - a.score || a.sentence.index - b.sentence.index)
    .slice(0, Math.max(1, sentences))
    .map(({ sentence }) => sentence);
  return best
    .toSorted((a, b) => a.index - b.index)
    .map((sentence) => shortened(sentence.text))
    .join(" ");
}

/** The locale if the system knows it; the segmenter throws on a tag that is none. */
function localeOf(language: string | undefined): string | undefined {
  try {
    return language === undefined ? undefined : Intl.getCanonicalLocales(language)[0];
  } catch {
    return undefined;
  }
}

function sentencesOf(text: string, locale: string | undefined): Sentence[] {
  const bySentence = new Intl.Segmenter(locale, { granularity: "sentence" });
  const byWord = new Intl.Segmenter(locale, { granularity: "word" });
  const found: Sentence[] = [];
  const seen = new Set<string>();
  for (const { segment } of bySentence.segment(text)) {
    const sentence = segment.replace(/\s+/gu, " ").trim();
    const words = [...byWord.segment(sentence)]
      .filter((word) => word.isWordLike)
      .map((word) => fold(word.segment));
    // A menu or a footer that is there twice would win by its own repetition.
    if (words.length === 0 || seen.has(sentence)) continue;
    seen.add(sentence);
    found.push({ text: sentence, words, index: found.length });
  }
  return found;
}

function fold(word: string): string {
  return word.normalize("NFKC").toLowerCase();
}

/** How often each word that means something occurs, as a part of the most frequent one. */
function wordWeights(sentences: Sentence[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const word of sentences.flatMap((sentence) => sentence.words)) {
    if (!STOP_WORDS.has(word)) counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  let most = 1;
  for (const count of counts.values()) most = Math.max(most, count);
  for (const [word, count] of counts) counts.set(word, count / most);
  return counts;
}

/** The mean weight of the words, less for short sentences, more for the first ones: texts open with their point. */
function scoreOf({ words, index }: Sentence, weights: Map<string, number>): number {
  const total = words.reduce((sum, word) => sum + (weights.get(word) ?? 0), 0);
  const completeness = Math.min(1, words.length / WORDS_FULL);
  const position = 1 + 1 / (1 + index);
  return (total / words.length) * completeness * position;
}

function shortened(sentence: string): string {
  if (sentence.length <= SENTENCE_CHARS_MAX) return sentence;
  const cut = sentence.slice(0, SENTENCE_CHARS_MAX - 1).toWellFormed();
  const space = cut.lastIndexOf(" ");
  return `${(space > SENTENCE_CHARS_MAX / 2 ? cut.slice(0, space) : cut).replace(/\uFFFD$/, "")}…`;
}
