// @module-tag processes
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { runNode } from "../support/run-node.ts";
import { tempDir } from "../support/temp.ts";

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
const run = promisify(execFile);

/** The script for a shell, in a file; null when the shell is not installed. */
async function script(shell: string): Promise<string | null> {
  const isThere = await run("sh", ["-c", `command -v ${shell}`]).then(
    () => true,
    () => false,
  );
  if (!isThere) return null;
  const path = join(tempDir(), shell);
  const { code, stdout } = await runNode(MAIN, ["completion", shell]);
  expect(code).toBe(0);
  writeFileSync(path, stdout);
  return path;
}

/** Each line to complete, word by word, and what must be among the answers. */
const CASES: [words: string[], expected: string[]][] = [
  [["st"], ["status", "stop"]],
  [["dead", "r"], ["retry"]],
  [["logs", "--level", "w"], ["warn"]],
  [["--config", "x", "status", "--w"], ["--watch"]],
  [
    ["completion", ""],
    ["bash", "zsh", "fish", "jobs", "words"],
  ],
  [["doctor", "--o"], ["--offline"]],
];

/** A folder with an afk.yaml whose jobs are `digest` and `weekly`, and another whose only job is `elsewhere`. */
function configured(): { cwd: string; other: string } {
  const cwd = tempDir();
  // A digest's source may have a name too, and what is no valid configuration is read as far as it goes.
  const jobs = [
    { name: "digest", sources: [{ folder: ".", name: "no-job" }] },
    { name: "weekly" },
    { name: "$(x)" },
  ];
  const gateway = { clients: [{ name: "laptop" }, { key: "no-name" }] };
  writeFileSync(join(cwd, "afk.yaml"), JSON.stringify({ agent: 7, jobs, gateway }));
  const other = join(cwd, "other.yaml");
  writeFileSync(other, "jobs:\n  - name: elsewhere\n");
  return { cwd, other };
}

const JOB_CASES = (other: string): [words: string[], expected: string[]][] => [
  [
    ["tick", "--now", ""],
    ["digest", "weekly"],
  ],
  [["enqueue", "d"], ["digest"]],
  [["key", "make", ""], ["laptop"]],
  [["--config", other, "enqueue", ""], ["elsewhere"]],
  [["--config", "/nowhere.yaml", "enqueue", ""], []],
  [["enqueue", "--pay"], ["--payload"]],
];

/** A function `afk` of the shells' own, which runs the sources. */
const AFK_FUNCTION = `afk() { '${process.execPath}' '${MAIN}' "$@"; }`;
const FISH_FUNCTION = `function afk; '${process.execPath}' '${MAIN}' $argv; end`;

describe("completion of the names of jobs and clients", { timeout: 60_000 }, () => {
  test("works in bash", async ({ skip }) => {
    const path = await script("bash");
    if (path === null) return skip("bash is not installed");
    const { cwd, other } = configured();
    for (const [words, expected] of JOB_CASES(other)) {
      const line = `t afk ${words.map((word) => `'${word}'`).join(" ")}`;
      const program = `${AFK_FUNCTION}; source ${path}; t() { COMP_WORDS=("$@"); COMP_CWORD=$(($#-1)); COMPREPLY=(); _afk; echo "\${COMPREPLY[*]}"; }; ${line}`;
      const { stdout, stderr } = await run("bash", ["--norc", "-c", program], { cwd });
      expect([stdout.trim(), stderr], words.join(" ")).toEqual([expected.join(" "), ""]);
    }
  });

  test("works in zsh", async ({ skip }) => {
    const path = await script("zsh");
    if (path === null) return skip("zsh is not installed");
    const { cwd, other } = configured();
    for (const [words, expected] of JOB_CASES(other)) {
      const line = `t afk ${words.map((word) => `'${word}'`).join(" ")}`;
      const program = `${AFK_FUNCTION}; compdef() { }; _describe() { local a=\${@[-1]}; print -- "\${(@P)a%%:*}" }; compadd() { shift; print -- "$@" }
source ${path}; t() { words=("$@"); CURRENT=$#; _afk }; ${line}`;
      const { stdout, stderr } = await run("zsh", ["-f", "-c", program], { cwd });
      expect(stderr).toBe("");
      expect(stdout.trim().split(" "), words.join(" ")).toEqual(
        expected.length === 0 ? [""] : expect.arrayContaining(expected),
      );
      expect(stdout).not.toContain("no-job");
    }
  });

  test("works in fish", async ({ skip }) => {
    const path = await script("fish");
    if (path === null) return skip("fish is not installed");
    const { cwd, other } = configured();
    for (const [words, expected] of JOB_CASES(other)) {
      const { stdout, stderr } = await run(
        "fish",
        ["--no-config", "-c", `${FISH_FUNCTION}; source ${path}; complete -C "afk ${words.join(" ")}"`],
        { cwd },
      );
      const answers = stdout.split("\n").flatMap((line) => (line === "" ? [] : [line.split("\t")[0] ?? ""]));
      expect([answers, stderr], words.join(" ")).toEqual([expected, ""]);
    }
  });
});

describe("completion", () => {
  test("completes in bash", async ({ skip }) => {
    const path = await script("bash");
    if (path === null) return skip("bash is not installed");
    const lines = CASES.map(([words]) => `t afk ${words.map((word) => `'${word}'`).join(" ")}`);
    const program = `${AFK_FUNCTION}; source ${path}; t() { COMP_WORDS=("$@"); COMP_CWORD=$(($#-1)); COMPREPLY=(); _afk; echo "\${COMPREPLY[*]}"; }; ${lines.join("; ")}; complete -p afk`;
    const { stdout } = await run("bash", ["--norc", "-c", program]);
    const answers = stdout.split("\n");
    for (const [i, [, expected]] of CASES.entries())
      expect(answers[i]?.split(" ").sort()).toEqual([...expected].sort());
    expect(stdout).toContain("complete -F _afk afk");
  });

  test("completes in zsh", async ({ skip }) => {
    const path = await script("zsh");
    if (path === null) return skip("zsh is not installed");
    const lines = CASES.map(([words]) => `t afk ${words.map((word) => `'${word}'`).join(" ")}`);
    // What the completion system does with the candidates is its own; here they are printed.
    const program = `${AFK_FUNCTION}; compdef() { }; _describe() { local a=\${@[-1]}; print -- "\${(@P)a%%:*}" }; compadd() { shift; print -- "$@" }
source ${path}; t() { words=("$@"); CURRENT=$#; _afk }; ${lines.join("; ")}`;
    const { stdout } = await run("zsh", ["-f", "-c", program]);
    const answers = stdout.split("\n");
    for (const [i, [, expected]] of CASES.entries())
      expect(answers[i]?.split(" ")).toEqual(expect.arrayContaining(expected));
  });

  test("completes in fish", async ({ skip }) => {
    const path = await script("fish");
    if (path === null) return skip("fish is not installed");
    for (const [words, expected] of CASES) {
      const { stdout } = await run("fish", [
        "--no-config",
        "-c",
        `${FISH_FUNCTION}; source ${path}; complete -C "afk ${words.join(" ")}"`,
      ]);
      const answers = stdout.split("\n").map((line) => line.split("\t")[0] ?? "");
      expect(answers).toEqual(expect.arrayContaining(expected));
    }
  });

  test("refuses a shell that it has no script for, with the nearest", async () => {
    const { code, stderr } = await runNode(MAIN, ["completion", "bsh"]);
    expect(code).toBe(2);
    expect(stderr).toContain("Did you mean bash?");
  });
});

test("the help states the exit codes", async () => {
  const { stdout } = await runNode(MAIN, ["--help"]);
  expect(stdout).toMatch(
    /EXIT CODES\n {2}0 .*\n {2}1 .*\n {2}2 .*\n {2}66 .*\n {2}69 .*\n {2}75 .*\n {2}78 /,
  );
});
