import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { COMPILE_CACHE } from "../support/afk.ts";
import { tempDir } from "../support/temp.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const TEXT = readFileSync(new URL("../../docs/demo.md", import.meta.url), "utf8");

interface Block {
  /** The heading that it stands under. */
  section: string;
  script: string;
}

/** What each part must have shown, by its heading. What is not here need only end well. */
const SHOWN: Record<string, RegExp[]> = {
  "1.": [/extractive/, /channel/i],
  "2.": [/cap/, /The day cap/],
  "3.": [/new lock a week early/, /model:ollama\/nobody-home/, /open/],
  "4.": [/showing it/, /STOP/],
  "5.": [/the worker ended with 137/, /begun\nbegun\nended\n/, /done/],
  "6.": [/exit code (?!0)\d+/, /bugdet/, /all is well/],
  "7.": [/4 passed in/, /drill-cap-/, /exit code (?!0)\d+/],
  "8.": [
    /dollars in +\$0\b/,
    /value out +\$(?!0\b)/,
    /Nothing to price on anthropic\/claude-haiku-4-5/,
    /RETROSPECTIVE\.md/,
  ],
};

test("a stranger who types what docs/demo.md says sees what it says", { timeout: 300_000 }, async () => {
  const blocks = readBlocks();
  expect(blocks.length).toBeGreaterThan(8);
  // One shell, as a person has one; it ends at the first command that fails.
  const marked = blocks.map(({ script }, index) => `echo "${mark(index)}"\n${script}`).join("\n");
  const { code, output } = await runShell(`set -eu\n${marked}\necho "${mark(blocks.length)}"\n`);
  expect(code, output.slice(-4_000)).toBe(0);
  for (const [number, patterns] of Object.entries(SHOWN)) {
    const said = blocks
      .map(({ section }, index) => (section.startsWith(number) ? outputOf(output, index) : ""))
      .join("");
    for (const pattern of patterns) expect(said, `part ${number}`).toMatch(pattern);
  }
  // What it cost, by the report and by every line of the ledger.
  // A drill's figures are of its own endpoint, which bills nobody.
  const ofAgent = output.replaceAll(/^ +cap \$\S+ spent \$\S+ .*$/gm, "");
  expect(ofAgent).not.toMatch(/\$0\.0*[1-9]|dollars in +\$[1-9]/);
});

test("the document says how long it takes, and the parts add up to fifteen minutes at most", () => {
  const minutes = [...TEXT.matchAll(/^## .*\((\d+) minutes?\)$/gm)].map(([, number]) => Number(number));
  expect(minutes).toHaveLength(8);
  expect(minutes.reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(15);
});

function readBlocks(): Block[] {
  let section = "";
  return [...TEXT.matchAll(/^## (.*)$|^```sh\n([\s\S]*?)^```$/gm)].flatMap(([, heading, script]) => {
    if (heading !== undefined) section = heading;
    return script === undefined ? [] : [{ section, script }];
  });
}

function mark(index: number): string {
  return `=== block ${index} ===`;
}

function outputOf(output: string, index: number): string {
  return output.slice(output.indexOf(mark(index)), output.indexOf(mark(index + 1)));
}

/** Both streams as they come, as a terminal shows them. */
async function runShell(script: string): Promise<{ code: number | null; output: string }> {
  const { AFK_CONFIG: _config, AFK_STATE: _state, ...rest } = process.env;
  // Where mktemp makes its folder, so that none is left behind when a command fails.
  const env = { ...rest, ...COMPILE_CACHE, TMPDIR: tempDir() };
  const shell = spawn("bash", ["-c", `exec 2>&1\n${script}`], { cwd: ROOT, env, detached: true });
  onTestFinished(() => killGroup(shell.pid));
  let output = "";
  shell.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  return await new Promise((resolve, reject) => {
    shell.on("error", reject);
    shell.on("close", (code) => resolve({ code, output }));
  });
}

/** Ends whatever the script left running. */
function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
