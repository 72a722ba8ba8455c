import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ALERT_EVENTS } from "../../src/alerts/events.ts";
import { allArgs, type Command as CliCommand } from "../../src/cli/command.ts";
import { checkWords } from "../../src/cli/strict.ts";
import { COMMANDS } from "../../src/cli/table.ts";
import { say } from "../support/engine/command.ts";
import { anchorOf, type Command, ROOT, readRunbook, wordsOf } from "./document.ts";

const runbook = readRunbook();
const commands = [...runbook.blocks.flatMap((block) => block.commands), ...runbook.inline];
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");

describe("every command", () => {
  it("of afk exists and takes what it is given", async () => {
    const calls = commands.flatMap((command) => afkWords(command.text).map((words) => ({ command, words })));
    expect(calls.length).toBeGreaterThan(80);
    for (const { command, words } of calls) {
      const [name = "", ...rest] = words;
      const entry = COMMANDS[name];
      assert(entry !== undefined, where(command));
      const { default: cli } = await entry.load();
      expect(() => accepts(cli, rest), where(command)).not.toThrow();
    }
  });

  it("names units that systemd/ has", () => {
    const units = readdirSync(join(ROOT, "systemd"));
    for (const command of commands) {
      // The slice of one of several agents is made by the engine, within afk.slice.
      for (const [unit] of command.text.matchAll(/\bafk[\w@-]*\.(?:service|timer|path|slice)\b/g))
        if (unit !== "afk-NAME.slice") expect(units, where(command)).toContain(unit.replace("@NAME", "@"));
    }
  });

  it("gives the installer options that it knows", () => {
    const usage = /cat <<'END'\n([\s\S]*?)\nEND/.exec(read("systemd/install"))?.[1];
    const installs = commands.filter(({ text }) => text.includes("systemd/install"));
    expect(installs.length).toBeGreaterThan(4);
    for (const command of installs)
      for (const [option] of command.text.matchAll(/--[a-z-]+/g))
        expect(usage, where(command)).toContain(option);
  });

  it("of compose names a service of compose.yaml", () => {
    const compose = commands.filter(({ text }) => text.startsWith("docker compose"));
    expect(compose.length).toBeGreaterThan(8);
    for (const command of compose) {
      const service = /^docker compose (?:exec|run --rm) (\S+)/.exec(command.text)?.[1];
      if (service !== undefined)
        expect(read("compose.yaml"), where(command)).toMatch(new RegExp(`^  ${service}:$`, "m"));
    }
  });

  it("is run, but for a few that cannot be here", () => {
    const left = runbook.blocks.filter((block) => block.notRun !== null);
    for (const { section, line, notRun } of left)
      say(`  not run: RUNBOOK.md:${line} (${section}): ${notRun}`);
    expect(left.length).toBeLessThanOrEqual(4);
  });
});

describe("every alert", () => {
  const [, alerts = ""] = runbook.text.split("\n## The alerts\n");
  const entries = alerts.split("\n### ").slice(1);

  it("that afk can raise has its entry, in the order of the code", () => {
    expect(entries.map((entry) => entry.split("\n")[0])).toEqual(Object.keys(ALERT_EVENTS));
  });

  it("is dealt with in the same form", () => {
    for (const entry of entries)
      expect(entry).toMatch(
        /^\w+\n> .+\n- \*\*Look:\*\* .+\n- \*\*Causes:\*\* .+\n- \*\*Mend:\*\* .+\n- \*\*Prevent:\*\* .+\n*$/,
      );
  });

  it("shows the title that the code gives it", () => {
    const sources = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(".ts") && path !== "alerts/events.ts")
      .map((path) => read(`src/${path}`));
    for (const entry of entries) {
      const [event = "", quote = ""] = entry.split("\n");
      const raising = sources.filter(
        // Or by a table of titles.
        (source) => source.includes(`event: "${event}"`) || source.includes(`  ${event}: "The `),
      );
      const titles = [...quote.matchAll(/\*\*(.+?)\*\*/g)].map(([, title = ""]) => title.replace(/\.$/, ""));
      // Nothing raises it yet: it has no title.
      if (raising.length === 0) continue;
      expect(titles, event).not.toEqual([]);
      const literals = raising.flatMap(literalsOf);
      for (const title of titles)
        expect(
          literals.some((literal) => says(literal, title)),
          `${event}: ${title}`,
        ).toBe(true);
    }
  });
});

describe("the text", () => {
  it("leads nowhere that does not exist", () => {
    const anchors = (text: string) =>
      [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => anchorOf(heading));
    for (const [, target = ""] of runbook.text.matchAll(/\]\(([^)]+)\)/g)) {
      const [path = "", anchor] = target.split("#");
      if (path !== "") expect(existsSync(join(ROOT, path)), target).toBe(true);
      if (anchor !== undefined)
        expect(anchors(path === "" ? runbook.text : read(path)), target).toContain(anchor);
    }
  });

  it("is short enough for the night", () => {
    expect(runbook.text.split("\n").length).toBeLessThan(600);
    const paragraphs = runbook.text.replace(/```[\s\S]*?```/g, "").split(/\n\n+/);
    for (const paragraph of paragraphs)
      if (!/^(?:[|>-]|#|<!)/.test(paragraph))
        expect(paragraph.split("\n").length, paragraph).toBeLessThanOrEqual(4);
    const [, first = ""] = runbook.text.split("\n## ");
    // One screen.
    expect(first.split("\n").length).toBeLessThanOrEqual(44);
  });
});

function where({ line, text }: Command): string {
  return `RUNBOOK.md:${line}: ${text}`;
}

/** The words after `afk` in a command that runs it, on whatever kind of deployment; nothing for any other. */
function afkWords(text: string): string[][] {
  const rest =
    /^(?:sudo afk(?: @NAME)?|npx afk|docker compose exec worker afk|docker compose run --rm worker) (.+)$/.exec(
      text,
    )?.[1];
  const isHosts = rest !== undefined && /^(?:@NAME )?(?:COMMAND|start)\b/.test(rest);
  return rest === undefined || isHosts ? [] : [wordsOf(rest)];
}

/** @throws UsageError where the real command would refuse these words. */
function accepts(command: CliCommand, words: string[]): void {
  const { subCommands } = command;
  if (subCommands === undefined) return void checkWords(allArgs(command), words);
  const named = words.findIndex((word) => Object.hasOwn(subCommands, word));
  const sub = subCommands[named === -1 ? (command.default ?? "") : (words[named] ?? "")];
  if (sub === undefined) throw new Error("the name of a command is missing");
  accepts(sub, named === -1 ? words : words.toSpliced(named, 1));
}

/** Texts in quotes and templates, with `…` where something is filled in. */
function literalsOf(source: string): string[] {
  return [...source.matchAll(/"([^"\n]*)"|`([^`]*)`/g)].map(([, plain, template]) =>
    (plain ?? template ?? "").replace(/\$\{(?:[^{}]|\{[^{}]*\})*\}/g, "…"),
  );
}

/** Whether `title` is what the literal says; what is filled in may stand in the title as it comes out. */
function says(literal: string, title: string): boolean {
  if (literal.replaceAll("…", "").trim().length < 5) return false;
  const escaped = literal.split("…").map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  return new RegExp(`^${escaped.join(".+?")}$`).test(title);
}
