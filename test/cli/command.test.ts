// @module-tag processes
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { defineCommand } from "../../src/cli/command.ts";
import { runStrictly } from "../../src/cli/strict.ts";
import { type Ended, runNode } from "../support/run-node.ts";

const DEMO = fileURLToPath(new URL("demo-program.ts", import.meta.url));
const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

const demo = (line: string): Promise<Ended> => runNode(DEMO, line.split(" ").filter(Boolean));

let given: unknown;
const COMMAND = defineCommand({
  args: {
    key: { type: "positional", description: "Required" },
    note: { type: "positional", description: "Optional", required: false },
    usd: { type: "number", description: "Money", min: 0 },
    count: { type: "number", description: "A whole number", integer: true, min: 1, max: 9, default: 3 },
    on: { type: "enum", description: "One of two", options: ["halt", "fallback"], default: "halt" },
    reason: { type: "string", description: "Text", alias: "r" },
    "dry-run": { type: "boolean", description: "A switch", alias: "n" },
    "no-send": { type: "boolean", description: "A switch that is named for what it leaves out" },
  },
  run: ({ args }) => {
    given = args;
  },
});
const PROGRAM = { name: "try", version: "1", commands: {} };
/** What the command is given for a line of words. */
async function read(line: string): Promise<unknown> {
  await runStrictly(PROGRAM, COMMAND, line.split(" ").filter(Boolean));
  return given;
}

describe("arguments", () => {
  test("are read in any order, by name, alias and place", async () => {
    expect(await read("--usd 0.25 KEY -n --on=fallback NOTE -r why --state /s")).toEqual({
      key: "KEY",
      note: "NOTE",
      usd: 0.25,
      count: 3,
      on: "fallback",
      reason: "why",
      "dry-run": true,
      "no-send": false,
      config: undefined,
      state: "/s",
      json: false,
    });
  });

  test("are taken as they are after --", async () => {
    expect(await read("--count 2 -- --usd")).toMatchObject({ key: "--usd", count: 2, usd: undefined });
  });

  test("may begin with a dash after an equals sign", async () => {
    expect(await read("KEY --reason=-x")).toMatchObject({ reason: "-x" });
  });

  test("that begin with no- are options of their own", async () => {
    expect(await read("KEY --no-send")).toMatchObject({ "no-send": true });
  });

  test.each([
    ["KEY --reson x", "Unknown option --reson. Did you mean --reason?"],
    ["KEY --dryrun", "Unknown option --dryrun. Did you mean --dry-run?"],
    ["KEY -x", "Unknown option -x."],
    ["KEY --no-dry-run", "Unknown option --no-dry-run."],
    ["KEY --key x", "Unknown option --key."],
    ["KEY --constructor", "Unknown option --constructor."],
    ["KEY --__proto__ x", "Unknown option --__proto__."],
    ["KEY --json", "Unknown option --json."],
    ["KEY NOTE third", 'Unexpected argument "third".'],
    ["", "KEY is missing."],
    ["KEY --reason", "--reason needs a value."],
    ["KEY --reason --dry-run", "--reason needs a value; one that begins with a dash"],
    ["KEY --reason a --reason b", "--reason is given twice."],
    ["KEY -n -n", "--dry-run is given twice."],
    ["KEY --dry-run=false", "--dry-run takes no value."],
    ["KEY --usd=-1", '--usd takes a number of at least 0; not "-1".'],
    ["KEY --usd=", "--usd takes a number of at least 0"],
    ["KEY --usd 1,5", "--usd takes a number"],
    ["KEY --usd 0x10", "--usd takes a number"],
    ["KEY --usd NaN", "--usd takes a number"],
    ["KEY --usd Infinity", "--usd takes a number"],
    ["KEY --count 1.5", "--count takes a whole number of at least 1 and of at most 9"],
    ["KEY --count 10", "--count takes a whole number"],
    ["KEY --on stop", '--on takes one of halt, fallback; not "stop".'],
    ["KEY --on fallbak", "Did you mean fallback?"],
  ])("are refused: %j", async (line, message) => {
    await expect(read(line)).rejects.toThrow(
      expect.objectContaining({ code: "usage", exitCode: 2, message: expect.stringContaining(message) }),
    );
  });

  test("that are required options must be there", async () => {
    const command = defineCommand({
      args: { usd: { type: "number", description: "", required: true } },
      run() {},
    });
    await expect(runStrictly(PROGRAM, command, [])).rejects.toThrow("--usd is missing.");
  });
});

describe("a program", () => {
  test("runs the named command with its arguments and keeps stderr clean", async () => {
    const { code, stdout, stderr } = await demo("echo hi --times 2 --json");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(JSON.parse(stdout)).toMatchObject({ word: "hi", times: 2, json: true });
  });

  test.each([
    ["jobs", "list all\n"],
    ["jobs --limit 5", "list 5\n"],
    ["jobs list --limit 5", "list 5\n"],
    ["jobs --limit 5 list", "list 5\n"],
    ["jobs show KEY", "show KEY -\n"],
    ["--config c.yaml jobs show KEY", "show KEY c.yaml\n"],
    ["jobs --config c.yaml show KEY", "show KEY c.yaml\n"],
    ["jobs show list", "show list -\n"],
  ])("finds the command in %j and runs nothing else", async (line, expected) => {
    expect(await demo(line)).toEqual({ code: 0, stdout: expected, stderr: "" });
  });

  test.each([
    ["ecoh hi", 'demo: Unknown command "ecoh". Did you mean echo?\nRun "demo --help"'],
    ["toString", 'demo: Unknown command "toString".'],
    ["jobs shwo", 'demo jobs: Unknown command "shwo". Did you mean show?\nRun "demo jobs --help"'],
    ["jobs --limt 5", "Unknown option --limt. Did you mean --limit?"],
    ["jobs list extra", 'Unexpected argument "extra".'],
    ["jobs show", "KEY is missing."],
    ["ledger", "demo ledger: Say what to do: show."],
    ["--tims 3 echo hi", "Unknown option --tims"],
  ])("refuses %j with exit code 2, on stderr only", async (line, message) => {
    const { code, stdout, stderr } = await demo(line);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(message);
  });

  test("gives an expected failure its own exit code and shows no stack", async () => {
    expect(await demo("fail --how expected")).toEqual({
      code: 75,
      stdout: "",
      stderr: "demo fail: Another tick holds the lock. Wait for it.\n",
    });
  });

  test("answers in JSON to --json when it fails as expected", async () => {
    const { code, stdout } = await demo("fail --how expected --json");
    expect(code).toBe(75);
    expect(JSON.parse(stdout)).toEqual({
      error: { code: "locked", message: "Another tick holds the lock. Wait for it." },
    });
  });

  test("answers in JSON to --json when the command line is wrong", async () => {
    const { code, stdout } = await demo("fail --how nonsense --json");
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: "usage" } });
  });

  test("shows the stack of a bug with its cause and exits 1", async () => {
    const { code, stdout, stderr } = await demo("fail --how bug --json");
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toEqual({ error: { code: "unexpected", message: "a bug" } });
    expect(stderr).toMatch(/TypeError: a bug\n\s+at .*\n(.*\n)*Caused by: Error: its cause/);
  });

  test("reports what was thrown without an error, and a command that cannot be loaded", async () => {
    const [text, broken] = await Promise.all([demo("fail --how text"), demo("broken")]);
    expect(text).toMatchObject({ code: 1, stderr: expect.stringContaining("only text") });
    expect(broken).toMatchObject({ code: 1, stderr: expect.stringContaining("Error: no such file") });
  });

  test("ends though a timer is left, with every line written and the code that run gave", async () => {
    const { code, stdout } = await demo("linger");
    expect(code).toBe(7);
    expect(stdout.trimEnd().split("\n")).toHaveLength(20_000);
  });

  test("finishes its work quietly when the reader of its output leaves", async () => {
    const child = spawn(process.execPath, [DEMO, "linger"], { stdio: ["ignore", "pipe", "pipe"] });
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (chunk) => {
      stderr += chunk;
    });
    child.stdout.once("data", () => child.stdout.destroy());
    const [code] = await once(child, "close");
    expect({ code, stderr }).toEqual({ code: 7, stderr: "" });
  });
});

describe("help", () => {
  test("of the program lists the commands in groups, without loading them", async () => {
    const { code, stdout, stderr } = await demo("--help");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/WORK\n {2}echo {4}Prints[\s\S]*broken {2}Cannot be loaded[\s\S]*LOOK\n {2}jobs/);
  });

  test("is on stderr with exit code 2 for a program that is given nothing", async () => {
    const { code, stdout, stderr } = await demo("");
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain("USAGE demo COMMAND");
  });

  test.each(["echo --help", "echo -h", "echo a b c --nonsense -h", "--help echo"])(
    "of a command is given for %j, and nothing runs",
    async (line) => {
      const { code, stdout, stderr } = await demo(line);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout).toContain("USAGE demo echo [OPTIONS] <WORD>");
      expect(stdout).toContain("--loudness=<quiet|loud>");
      expect(stdout).toMatch(/-r, --reason=<reason>[\s\S]*--json[\s\S]*--config=<FILE>[\s\S]*--state=<DIR>/);
      expect(stdout).toMatch(/EXAMPLES\n\n {2}demo echo hello --times 2\n$/);
    },
  );

  test("of a group lists its commands, and of one of them shows its own arguments", async () => {
    const [group, one] = await Promise.all([demo("jobs --help"), demo("jobs show --help")]);
    expect(group.stdout).toMatch(/COMMANDS\n\n {2}list {4}Lists the jobs\n {2}show {4}Shows one job/);
    expect(one.stdout).toContain("USAGE demo jobs show [OPTIONS] <KEY>");
  });
});

describe("version", () => {
  test.each(["--version", "-v", "echo --version", "jobs show --version"])("is shown for %j", async (line) => {
    expect(await demo(line)).toEqual({ code: 0, stdout: "1.2.3\n", stderr: "" });
  });
});

describe("afk itself", () => {
  test("shows the version of package.json", async () => {
    const manifest = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
    expect(await runNode(MAIN, ["--version"])).toEqual({
      code: 0,
      stdout: `${manifest.version}\n`,
      stderr: "",
    });
  });

  test("can be run by its path", () => {
    expect(statSync(MAIN).mode & 0o111).toBe(0o111);
    expect(readFileSync(MAIN, "utf8")).toMatch(/^#!\/usr\/bin\/env node\n/);
  });

  test("suggests the command that was meant", async () => {
    const { code, stderr } = await runNode(MAIN, ["stauts"]);
    expect(code).toBe(2);
    expect(stderr).toContain("Did you mean status?");
  });

  test("has a command file behind every name, each with help and examples", async () => {
    const { stdout } = await runNode(MAIN, ["--help"]);
    const names = [...stdout.matchAll(/^ {2}([a-z]+) {2,}\S/gm)].map((match) => match[1] ?? "");
    expect(names).toEqual(expect.arrayContaining(["tick", "run", "stop", "resume", "status", "health"]));
    const missing = names.filter(
      (name) => !existsSync(new URL(`../../src/cli/commands/${name}.ts`, import.meta.url)),
    );
    expect(missing).toEqual([]);
    const helps = await Promise.all(names.map((name) => runNode(MAIN, [name, "--help"])));
    for (const [i, help] of helps.entries()) {
      expect(help).toMatchObject({ code: 0, stderr: "" });
      expect(help.stdout).toContain(`USAGE afk ${names[i]}`);
      expect(help.stdout).toContain("EXAMPLES");
    }
  });

  test("says in one line that Node is too old, before it loads anything else", async () => {
    const pretend = 'Object.defineProperty(process.versions, "node", { value: "22.21.1" })';
    const preload = `data:text/javascript,${encodeURIComponent(pretend)}`;
    const ended = await runNode(MAIN, ["--version"], { NODE_OPTIONS: `--import ${preload}` });
    expect(ended).toMatchObject({ code: 1, stdout: "" });
    expect(ended.stderr).toMatch(/^afk needs Node 22\.22 or newer; this is Node 22\.21\.1 \(.*\)\.\n$/);
  });
});
