import Database from "better-sqlite3";

/** A text to be found by its words; the title counts four times. */
export interface Document {
  title: string;
  text: string;
}

const TITLE_WEIGHT = 4;
const TEXT_CHARS_MAX = 2_000;
/**
 * Documents of no words that are looked for, of the others' average length. Among a handful a word that two of three have
 * would count for nothing, as BM25 takes it for one that every text has.
 */
const BACKGROUND = 1_000;
const BACKGROUND_WORDS_MAX = 200;
/** A term that no query can hold, as it is no word of more than one character in any language. */
const FILLER = "x";

/**
 * How well each document matches each phrase: BM25 (k1 = 1.2, b = 0.75) as SQLite's FTS5 reckons it, 0 for no match and
 * otherwise more than that. English words are compared by their stems; a phrase that ends in `*` matches what begins so. In
 * memory: it knows nothing of the agent's database, whichever that is.
 */
export function matchPhrases(documents: readonly Document[], phrases: readonly string[]): number[][] {
  const scores = phrases.map(() => documents.map(() => 0));
  if (documents.length === 0) return scores;
  const database = new Database(":memory:");
  try {
    database.exec(
      "create virtual table documents using fts5(title, body, tokenize = 'porter unicode61 remove_diacritics 2')",
    );
    fill(database, documents);
    const query = database.prepare<[string], { rowid: number; rank: number }>(
      `select rowid, bm25(documents, ${TITLE_WEIGHT}, 1) as rank from documents where documents match ?`,
    );
    for (const [index, phrase] of phrases.entries()) {
      const match = matchOf(phrase);
      const row = scores[index];
      if (match === null || row === undefined) continue;
      for (const { rowid, rank } of query.all(match))
        if (rowid <= row.length) row[rowid - 1] = Math.max(0, -rank);
    }
    return scores;
  } finally {
    database.close();
  }
}

function fill(database: Database.Database, documents: readonly Document[]): void {
  const insert = database.prepare("insert into documents (rowid, title, body) values (?, ?, ?)");
  database.transaction(() => {
    let words = 0;
    for (const [index, { title, text }] of documents.entries()) {
      const body = separated(text.slice(0, TEXT_CHARS_MAX));
      words += body.split(/\s+/).length;
      insert.run(index + 1, separated(title), body);
    }
    const average = Math.min(BACKGROUND_WORDS_MAX, Math.ceil(words / documents.length));
    const filler = `${FILLER} `.repeat(average);
    for (let index = 0; index < BACKGROUND; index++) insert.run(documents.length + index + 1, "", filler);
  })();
}

const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Khmer}\p{Script=Lao}]/u;

/** FTS5 finds words by what stands between them; scripts that write none between words get spaces. */
function separated(text: string): string {
  if (!UNSPACED.test(text)) return text;
  const segmenter = new Intl.Segmenter(undefined, { granularity: "word" });
  return [...segmenter.segment(text)].map(({ segment }) => segment).join(" ");
}

/** A phrase in FTS5's own language, in which only words can stand; null for one without any. */
function matchOf(phrase: string): string | null {
  const words = separated(phrase).match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
  if (words.length === 0 || (words.length === 1 && words[0]?.toLowerCase() === FILLER)) return null;
  return `"${words.join(" ")}"${phrase.trimEnd().endsWith("*") ? " *" : ""}`;
}
