import { expect, it, vi } from "vitest";
import { defineCommand } from "../../src/cli/command.ts";
import { runCli } from "../../src/cli/run.ts";

const given: unknown[] = [];

const fire = defineCommand({
  description: "Fires",
  args: {
    names: { type: "positional", isList: true, required: false, description: "What to fire" },
    quiet: { type: "boolean", description: "Says nothing" },
  },
  run: ({ args }) => void given.push(args.names),
});
const record = defineCommand({
  description: "Records",
  args: { name: { type: "positional", description: "What" } },
  run: ({ args }) => void given.push({ record: args.name }),
});
const group = defineCommand({
  subCommands: { run: fire, record },
  default: "run",
});

it.each([
  [["fire"], []],
  [["fire", "one"], ["one"]],
  [
    ["fire", "one", "--quiet", "two"],
    ["one", "two"],
  ],
  [["fire", "run", "record"], ["record"]],
  [["fire", "record", "one"], { record: "one" }],
])("%j gives the default all words that name no command", async (words, expected) => {
  given.length = 0;
  expect(await run(words)).toBe(0);
  expect(given).toEqual([expected]);
});

it.each([[["fire", "one", "--loud"]], [["fire", "record", "one", "two"]], [["fire", "record"]]])(
  "%j is refused all the same",
  async (words) => {
    given.length = 0;
    expect(await run(words)).toBe(2);
    expect(given).toEqual([]);
  },
);

async function run(words: readonly string[]): Promise<number> {
  const spy = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  try {
    const commands = {
      fire: { group: "Work", description: "Fires", load: async () => ({ default: group }) },
    };
    return await runCli({ name: "afk", version: "0.0.0", commands }, words);
  } finally {
    spy.mockRestore();
  }
}
