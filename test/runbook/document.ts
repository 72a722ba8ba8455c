import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** RUNBOOK.md as its tests see it. */
export interface Runbook {
  text: string;
  headings: string[];
  blocks: Block[];
  /** Commands within sentences and tables, in the document's order. */
  inline: Command[];
}

/** A ```sh block. `notRun` is the reason of the comment `<!-- not run: reason -->` before it. */
export interface Block {
  section: string;
  line: number;
  commands: Command[];
  notRun: string | null;
}

export interface Command {
  section: string;
  line: number;
  text: string;
  /** What the document says beside it. */
  comment: string;
  /** The exit codes that it may end with: 0, or what the comment says (`exit code 1: …`, `exit code 75 if …`). */
  codes: readonly number[];
}

/** Words that stand for what a reader finds on the spot. */
export const PLACEHOLDER = /\b(?:IMAGE|FILE|ID|KEY|TICK|UNIT|COMMAND|OLD)\b/;

const INLINE = /`((?:sudo|systemctl|npx afk|docker compose|df|timedatectl|free) [^`]+|timedatectl)`/g;

export function readRunbook(): Runbook {
  const text = readFileSync(`${ROOT}RUNBOOK.md`, "utf8");
  const runbook: Runbook = { text, headings: [], blocks: [], inline: [] };
  let section = "";
  let notRun: string | null = null;
  let block: Block | null = null;
  for (const [index, content] of text.split("\n").entries()) {
    const line = index + 1;
    if (block !== null) {
      if (content === "```") block = null;
      else block.commands.push(commandOf(section, line, content));
    } else if (content === "```sh") {
      block = { section, line, commands: [], notRun };
      runbook.blocks.push(block);
      notRun = null;
    } else if (content.startsWith("```")) {
      throw new Error(`RUNBOOK.md, line ${line}: only sh blocks, which tests can run`);
    } else if (content.startsWith("#")) {
      section = content.replace(/^#+ /, "");
      runbook.headings.push(section);
    } else {
      notRun = /^<!-- not run: (.+) -->$/.exec(content)?.[1] ?? notRun;
      for (const [, found = ""] of content.matchAll(INLINE))
        runbook.inline.push(commandOf(section, line, found));
    }
  }
  return runbook;
}

function commandOf(section: string, line: number, content: string): Command {
  const [text = "", comment = ""] = content.split(/ {2,}# /);
  const exactly = /exit code (\d+):/.exec(comment)?.[1];
  // What looks tells by 1 that it found something, and within a sentence there is no room to say so.
  const isLook = comment === "" && /^sudo afk (?:doctor|watchdog)\b/.test(text);
  const maybe = isLook ? "1" : /exit code (\d+) if/.exec(comment)?.[1];
  const codes =
    exactly !== undefined ? [Number(exactly)] : [0, ...(maybe === undefined ? [] : [Number(maybe)])];
  return { section, line, text: text.trim(), comment: comment.trim(), codes };
}

/** The words of a simple command, as a shell would take them apart. */
export function wordsOf(text: string): string[] {
  return [...text.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, plain]) => double ?? single ?? plain ?? "",
  );
}

/** The anchor that a heading gets where Markdown is shown. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, "")
    .replaceAll(" ", "-");
}
