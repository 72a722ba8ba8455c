import type { Breach, Rule } from "./rule.ts";
import type { Source } from "./source.ts";

/** Private words, each with what the field or plain English says. They are refused wherever they stand: code, comments, texts. */
const WORDS: Readonly<Record<string, string>> = {
  aftermath: "convergence check",
  broom: "retention",
  buried: "dead-lettered",
  bury: "dead-letter",
  dice: "seeded random",
  door: "server, acceptor",
  heardby: "recipients",
  hunt: "search",
  logbook: "log",
  mishap: "fault",
  mishaps: "faults",
  notebook: "recorder",
  office: "dependencies",
  pager: "alerting",
  pulse: "liveness (of a thread), ping (off the host)",
  realm: "environment",
  spark: "failpoint",
  thirds: "splitInThree",
  weather: "fault rates",
};

/** Words that are plain English in a sentence, and say nothing as the name of something in code. */
const NAMES: Readonly<Record<string, string>> = {
  beat: "heartbeat (the agent's row), ping (off the host)",
  course: "driver",
  hands: "effects",
  places: "placeholders, or the noun",
  rig: "harness",
  stage: "context",
  ways: "executors, or the noun",
};

const PHRASES: readonly (readonly [RegExp, string])[] = [
  [/\bleft alone\b/i, "the breaker is open, or not asked"],
  [/\bperson's word\b/i, "confirmed by a person"],
  [/\bfor who\b/i, "for those who, or read-only"],
  [/\blog-book\b/i, "log"],
  [/\b(?:DESIGN|STYLE|CONTRACT|FACTS(?:-\w+)?)\.md\b/, "what it says: the file is not in the repository"],
];

/** Names that other programs gave. */
const FOREIGN = /officeapps|libreoffice|realm=|--no-pager/gi;

export const WORD_RULES: readonly Rule[] = [
  {
    name: "plain words",
    check: (source) => [...wordsIn(source), ...namesIn(source), ...phrasesIn(source)],
    breaks: [
      ["ops/a.ts", "export interface Pager { deliver(): void }"],
      ["ops/a.ts", "const withPager = 1;"],
      ["ops/a.ts", "// The broom comes last."],
      ["ops/a.ts", 'const text = "the log-book";'],
      ["runner/a.ts", "const beat = await read();"],
      ["runner/a.ts", "const sinceBeat = 1;"],
      ["simulate/a.ts", "export function run(stage: Stage) {}"],
      ["rails/a.ts", "// A dependency is left alone for a while."],
      ["rails/a.ts", "/** Only by a person's word. */"],
      ["rails/a.ts", "// The order is in DESIGN.md, section 4."],
    ],
    keeps: [
      ["runner/a.ts", "const heartbeat = 1; // It beats nothing, and of course takes place in many ways."],
      ["rails/a.ts", "// Docs are in README.md and RUNBOOK.md."],
      ["ops/a.ts", "const indices = [1]; // Leave it in the hands of a person."],
    ],
  },
];

function wordsIn({ text }: Source): Breach[] {
  return [...text.replaceAll(FOREIGN, "").matchAll(/[A-Za-z]+/g)].flatMap((match) =>
    partsOf(match[0]).flatMap((part) => refusal(WORDS, part, lineOf(text, match.index))),
  );
}

function namesIn({ nodes }: Source): Breach[] {
  return nodes
    .filter(({ node }) => node.type === "Identifier")
    .flatMap(({ node, line }) => partsOf(String(node.name)).flatMap((part) => refusal(NAMES, part, line)));
}

function phrasesIn({ text }: Source): Breach[] {
  return text.split("\n").flatMap((content, index) =>
    PHRASES.filter(([phrase]) => phrase.test(content)).map(([phrase, instead]) => ({
      line: index + 1,
      message: `has ${phrase.source}; say ${instead}`,
    })),
  );
}

/** `withPager` is `with` and `pager`. */
function partsOf(name: string): string[] {
  return name.split(/(?<=[a-z])(?=[A-Z])|_/).map((part) => part.toLowerCase());
}

function refusal(table: Readonly<Record<string, string>>, word: string, line: number): Breach[] {
  const instead = Object.hasOwn(table, word) ? table[word] : undefined;
  return instead === undefined ? [] : [{ line, message: `says ${word}; say ${instead}` }];
}

function lineOf(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length;
}
