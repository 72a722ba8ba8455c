import type { CommandTable } from "../../src/cli/command.ts";
import { defineCommand } from "../../src/cli/command.ts";
import { printJson, printLines, tolerateLostOutput } from "../../src/cli/output.ts";
import { finish, runCli } from "../../src/cli/run.ts";
import { AfkError, EXIT } from "../../src/lib/errors.ts";

/** A small program for the tests of the frame: each command shows one thing that a command can do. */
const echo = defineCommand({
  json: true,
  args: {
    word: { type: "positional", description: "The word" },
    times: { type: "number", description: "How often", integer: true, min: 1, max: 9, default: 1 },
    loudness: { type: "enum", description: "How loud", options: ["quiet", "loud"] },
    reason: { type: "string", alias: "r", description: "Why" },
    "dry-run": { type: "boolean", description: "Only says so" },
  },
  run: ({ args }) => printJson(args),
});

const list = defineCommand({
  description: "Lists the jobs",
  json: true,
  args: { limit: { type: "number", description: "At most so many" } },
  run: ({ args }) => printLines([`list ${args.limit ?? "all"}`]),
});

const show = defineCommand({
  description: "Shows one job",
  json: true,
  args: { key: { type: "positional", description: "Its key" } },
  run: ({ args }) => printLines([`show ${args.key} ${args.config ?? "-"}`]),
});

const fail = defineCommand({
  json: true,
  args: {
    how: { type: "enum", options: ["expected", "bug", "text"], required: true, description: "In which way" },
  },
  run({ args }) {
    if (args.how === "expected") {
      throw new AfkError("locked", "Another tick holds the lock. Wait for it.", { exitCode: EXIT.locked });
    }
    if (args.how === "text") throw "only text";
    throw new TypeError("a bug", { cause: new Error("its cause") });
  },
});

const linger = defineCommand({
  run() {
    setInterval(() => {}, 1000);
    printLines(Array.from({ length: 20_000 }, (_, line) => `line ${line}`));
    return 7;
  },
});

const table: CommandTable = {
  echo: {
    group: "Work",
    description: "Prints what it was given",
    examples: ["demo echo hello --times 2"],
    load: async () => ({ default: echo }),
  },
  jobs: {
    group: "Look",
    description: "The queue",
    load: async () => ({
      default: defineCommand({
        subCommands: { list, show },
        default: "list",
      }),
    }),
  },
  ledger: {
    group: "Look",
    description: "The ledger",
    load: async () => ({
      default: defineCommand({ subCommands: { show } }),
    }),
  },
  fail: { group: "Work", description: "Fails", load: async () => ({ default: fail }) },
  linger: { group: "Work", description: "Lingers", load: async () => ({ default: linger }) },
  broken: {
    group: "Work",
    description: "Cannot be loaded",
    load: () => Promise.reject(new Error("no such file")),
  },
};

tolerateLostOutput();
await finish(await runCli({ name: "demo", version: "1.2.3", commands: table }, process.argv.slice(2)));
