/** One row of docs/coverage.md. */
export interface Promised {
  what: string;
  line: number;
  /** Links as they stand in the document, to files that keep the promise. */
  files: string[];
  tests: NamedTest[];
}

/** `name` is the whole of it, suites first, joined by ` > `; `…` in it stands for anything. */
export interface NamedTest {
  link: string;
  /** From the root of the repository. */
  file: string;
  name: string;
}

const LINK = /\[`([^`]+)`\]\(([^)]+)\)(?: "([^"]+)")?/g;

/** The documents whose rows name the tests that prove them. */
export const COVERED = ["docs/coverage.md", "docs/threat-model.md"] as const;

/** The rows of such a document. @throws Error for a row that is none */
export function readCoverage(text: string): Promised[] {
  return text.split("\n").flatMap((content, index) => {
    if (!/^\| (?!what \||it \|)/.test(content)) return [];
    const [, what = "", files = "", tests = "", ...rest] = content.split("|").map((cell) => cell.trim());
    if (rest.length !== 1) throw new Error(`line ${index + 1}: a row has three cells`);
    return [
      {
        what,
        line: index + 1,
        files: [...files.matchAll(LINK)].map(([, , link = ""]) => link),
        tests: [...tests.matchAll(LINK)].map(([, file = "", link = "", name = ""]) => ({ link, file, name })),
      },
    ];
  });
}

/** Whether a test that ran is the one that is named; `ran` is `file > suites > test`. */
export function isNamed({ file, name }: NamedTest, ran: string): boolean {
  const pattern = name
    .split("…")
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`))
    .join(".*");
  return ran.startsWith(`${file} > `) && new RegExp(`^${pattern}$`, "s").test(ran.slice(file.length + 3));
}

/**
 * The named tests that no test of a run was, among those whose files the run had to look at. A failed one is not among
 * them: it is told of as failed.
 */
export function notRun(
  rows: readonly Promised[],
  seen: readonly string[],
  isExpected: (file: string) => boolean,
): NamedTest[] {
  return rows
    .flatMap(({ tests }) => tests)
    .filter((test) => isExpected(test.file) && !seen.some((ran) => isNamed(test, ran)));
}
