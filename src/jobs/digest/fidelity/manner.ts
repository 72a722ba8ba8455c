import { foldedWords } from "./words.ts";

/** Words in a row that are no accident: the instructions say them, the text does not. */
const ECHO_WORDS = 5;

/** Where a reply quotes its instructions: the words; null where it does not. */
export function echoOf(reply: string, instructions: string, source: string): string | null {
  const told = runsOf(instructions);
  const own = runsOf(source);
  for (const run of runsOf(reply)) if (told.has(run) && !own.has(run)) return run;
  return null;
}

function runsOf(text: string): Set<string> {
  const words = foldedWords(text);
  const count = Math.max(0, words.length - ECHO_WORDS + 1);
  return new Set(Array.from({ length: count }, (_, at) => words.slice(at, at + ECHO_WORDS).join(" ")));
}

const FAULTS: readonly [what: string, pattern: RegExp][] = [
  [
    "it repeated the marks of the prompt",
    /<\/?\s*content\s*>|^\s*(?:title|titel|titre|t[ií]tulo|titolo)\s*:|\b(?:system|user|assistant)\s*:|<\|/iu,
  ],
  [
    "it spoke of its task",
    /^\W*(?:(?:sure|certainly|of course|okay|ok|absolutely|great|got it|understood|gladly)\b[\s,!.:–—-]|(?:klar|natürlich|gerne|sicher|selbstverständlich)\b[\s,!.:–—-]|(?:bien sûr|d'accord|certainement|voici)\b|(?:claro|por supuesto|con gusto|aquí (?:está|tiene|tienes|hay)|desde luego)\b|(?:certo|certamente|ecco)\b|(?:claro|com certeza|aqui (?:está|estão))\b|(?:natuurlijk|zeker|tuurlijk)\b|(?:hier (?:ist|sind|is|zijn|kommt|folgt)|here(?:'s| is| are|’s)|below (?:is|are))\b)/iu,
  ],
  [
    "it spoke of its task",
    /\b(?:(?:here are|in|with|these|following) (?:two|2)[- ](?:plain |short )?sentences|in zwei sätzen|en deux phrases|en dos (?:frases|oraciones)|in due frasi|em duas frases|in twee zinnen|let me know|hope (?:this|that) helps|feel free to|summary of the (?:text|content|article|title)|the (?:provided|given) (?:text|content|article|title|information|passage|document|excerpt)|the (?:text|content|article|title|information|passage|document|excerpt) (?:you )?(?:provided|gave|shared)|der (?:bereitgestellte|angegebene) text|le texte fourni|el texto proporcionado|il testo fornito|o texto fornecido|de verstrekte tekst)\b/iu,
  ],
  [
    "it spoke of its task",
    /^\W*(?:summary|zusammenfassung|résumé|resumen|riassunto|resumo|samenvatting|answer|antwort|réponse|respuesta|tl;?dr|output)\s*[:：]/iu,
  ],
  [
    "it refused",
    /\b(?:as an? (?:ai|language model|assistant)|i(?:'m| am|’m) (?:sorry|unable|not able|afraid|an ai)|i (?:cannot|can't|can’t|could not|do not|don't|don’t) (?:\w+ )?(?:provide|summari[sz]e|assist|help|access|browse|fulfill|complete|write|have|see|find)|i apologi[sz]e|unable to (?:provide|summari[sz]e|access)|als (?:ki|sprachmodell)|es tut mir leid|ich kann (?:\S+ ){0,6}nicht|en tant qu'(?:ia|intelligence|modèle)|je (?:suis désolée?|ne peux pas)|désolée?, (?:mais )?je|como (?:modelo de lenguaje|una? ia|ia|modelo de linguagem)|lo siento|no puedo (?:\S+ )?(?:resumir|proporcionar|ayudar|acceder)|mi dispiace|non (?:posso|sono in grado)|come (?:modello|ia)|(?:sinto muito|desculpe)|não posso (?:resumir|fornecer|ajudar|acessar)|als (?:ai|taalmodel)|het spijt me|ik kan (?:\S+ ){0,4}niet)\b/iu,
  ],
  [
    "it used markup",
    /```|\*\*[^*\n]+\*\*|^\s{0,3}#{1,6}\s|^\s*(?:[-*•]|\d+[.)])\s.*\n\s*(?:[-*•]|\d+[.)])\s|^\s*[-*•]\s|\[[^\]\n]+\]\([^)\n]+\)|<\/?(?:p|b|i|br|ul|li|strong|em|h[1-6]|div|span|a)\b[^>]*>/imu,
  ],
  ["it used markup", /^\W*1[.)]\s[\s\S]*\s2[.)]\s/u],
  ["it answered in JSON", /^\s*[[{]\s*"/u],
];

/** Of these the words may be the text's own, and what stands around them not. */
const MARKUP = new Set(["it used markup", "it answered in JSON"]);

/** How a reply is none that could be printed, whatever the text says; null where it is one. What the text itself says is allowed. */
export function faultOfManner(reply: string, source: string): string | null {
  for (const [what, pattern] of FAULTS) {
    const found = pattern.exec(reply)?.[0].trim();
    if (found === undefined) continue;
    const isOfSource = MARKUP.has(what) ? source.includes(found) : includesWords(source, found);
    if (!isOfSource) return what;
  }
  return repeatedSentence(reply) === null ? null : "it said the same twice";
}

function includesWords(source: string, words: string): boolean {
  const plain = foldedWords(words).join(" ");
  return plain !== "" && ` ${foldedWords(source).join(" ")} `.includes(` ${plain} `);
}

function repeatedSentence(reply: string): string | null {
  const seen = new Set<string>();
  for (const { segment } of new Intl.Segmenter(undefined, { granularity: "sentence" }).segment(reply)) {
    const words = foldedWords(segment);
    const sentence = words.join(" ");
    if (words.length > 2 && seen.has(sentence)) return sentence;
    seen.add(sentence);
  }
  return /(\b\p{L}+\b)(?:\s+\1\b){3}/iu.exec(reply)?.[0] ?? null;
}

const ADDRESS =
  /(?:https?:\/\/|www\.)[^\s<>()"'`\]]+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+|\b(?:[a-z0-9-]+\.)+(?:com|org|net|io|dev|info|edu|gov|co|eu|de|fr|es|it|nl|uk)\b(?:\/[^\s<>()"'`\]]*)?/giu;

/** An address that the source does not have; null where there is none. */
export function unknownAddress(reply: string, source: string): string | null {
  const known = source.toLowerCase();
  for (const [found] of reply.matchAll(ADDRESS)) {
    const address = found.replace(/[.,:;!?]+$/, "");
    const place = address.toLowerCase().replace(/^https?:\/\//, "");
    if (!standsIn(place.replace(/\/$/, ""), known)) return address;
  }
  return null;
}

/** Not as the end of another word: ple.org is no part of example.org, but example.org is one of docs.example.org. */
function standsIn(address: string, text: string): boolean {
  for (let at = text.indexOf(address); at >= 0; at = text.indexOf(address, at + 1))
    if (at === 0 || !/[\p{L}\p{N}_-]/u.test(text.charAt(at - 1))) return true;
  return false;
}
