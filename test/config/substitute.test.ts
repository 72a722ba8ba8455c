// biome-ignore-all lint/suspicious/noTemplateCurlyInString: afk.yaml has them in plain texts.
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { folderForTest, issuesOf, linesOf, load, withBase } from "./support.ts";

const jobs = (command: unknown[]) => withBase({ jobs: [{ name: "p", kind: "plain", command }] });
const commandOf = (command: unknown[], environment: Record<string, string> = {}) =>
  (load(jobs(command), { environment }).jobs[0]!.settings as { command: string[] }).command;

describe("${NAME}", () => {
  it("is replaced anywhere in a text, several times", () => {
    expect(commandOf(["a-${A}-${B_2}", "${A}${A}"], { A: "1", B_2: "2" })).toEqual(["a-1-2", "11"]);
  });

  it("is left as it is after another dollar sign", () => {
    expect(commandOf(["$${A}", "cost: $5", "$A", "$$"], { A: "1" })).toEqual([
      "${A}",
      "cost: $5",
      "$A",
      "$$",
    ]);
  });

  it("is not replaced in what was put in", () => {
    expect(commandOf(["${A}"], { A: "${B} $& $1", B: "never" })).toEqual(["${B} $& $1"]);
  });

  it("cannot put YAML into the file", () => {
    const value = 'x"]\nbudget: { daily_cap_usd: 1000000 }\n# ';
    const config = load(
      "agent: a\nbudget: { daily_cap_usd: 1 }\nmodels: { chain: [extractive] }\njobs: [{ name: p, kind: plain, command: [ '${A}' ] }]",
      {
        environment: { A: value },
      },
    );
    expect(config.budget.caps.day_micros).toBe(1_000_000);
    expect(config.jobs[0]?.settings).toEqual({ command: [value] });
  });

  it("does not become a number", () => {
    const document = withBase({ budget: { daily_cap_usd: "${CAP}" } });
    expect(linesOf(document, { environment: { CAP: "5" } })[0]).toContain(
      'found the value of "${CAP}"; write',
    );
  });

  it("is not replaced in keys", () => {
    expect(issuesOf(withBase({ "${A}": 1 }), { environment: { A: "timezone" } })[0]?.path).toBe('["${A}"]');
  });

  it.each([{}, { HOOK: "" }, { HOOK: "", HOOK_FILE: "" }])(
    "is refused when unset or empty (%j)",
    (environment) => {
      expect(linesOf(withBase({ alerts: [{ type: "ntfy", url: "${HOOK}" }] }), { environment })).toEqual([
        "alerts[0].url: the environment variable HOOK is unset or empty; set HOOK, or HOOK_FILE to the path of a file that holds the value",
      ]);
    },
  );

  it("is not taken from what every object inherits", () => {
    expect(linesOf(withBase({ agent: "${constructor}" }))[0]).toContain("constructor is unset");
  });

  it.each(["${", "${}", "${A", "${A-B}", "${A:-x}", "${ A }", "${1}"])("is refused as %s", (text) => {
    expect(linesOf(jobs([text]), { environment: { A: "x" } })[0]).toMatch(
      /^jobs\[0\]\.command\[0\]: found .*; write \$\{NAME\} for an environment variable, or \$\$\{/,
    );
  });
});

describe("NAME_FILE", () => {
  function secretFile(content: string | Buffer): string {
    const file = join(folderForTest(), "secret");
    writeFileSync(file, content);
    return file;
  }

  it("names a file with the value, whose trailing newlines do not count", () => {
    expect(commandOf(["<${A}>"], { A_FILE: secretFile("two\nlines\r\n\n") })).toEqual(["<two\nlines>"]);
  });

  it("is not looked at when NAME is set", () => {
    expect(commandOf(["${A}"], { A: "here", A_FILE: "/nowhere" })).toEqual(["here"]);
  });

  it("is refused when the file is missing, a folder, empty or too large", () => {
    const folder = folderForTest();
    mkdirSync(join(folder, "d"));
    const files = {
      "/nowhere/at/all": "cannot be read",
      [join(folder, "d")]: "cannot be read",
      [secretFile("\n")]: "which is empty",
    };
    for (const [file, reason] of Object.entries({
      ...files,
      [secretFile("x".repeat(65_537))]: "larger than 64 KiB",
    })) {
      const [line] = linesOf(jobs(["${A}"]), { environment: { A_FILE: file } });
      expect(line).toContain(`jobs[0].command[0]: A_FILE names ${file}, which`);
      expect(line).toContain(reason);
    }
  });

  it("may be exactly 64 KiB", () => {
    expect(commandOf(["${A}"], { A_FILE: secretFile("x".repeat(65_536)) })[0]).toHaveLength(65_536);
  });

  it("is refused when it may not be read", ({ skip }) => {
    skip(process.getuid?.() === 0, "root may read every file: run it as another user");
    const file = secretFile("x");
    chmodSync(file, 0);
    expect(linesOf(jobs(["${A}"]), { environment: { A_FILE: file } })[0]).toContain("cannot be read");
  });
});
