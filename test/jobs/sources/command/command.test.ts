// @module-tag processes
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { expect, test } from "vitest";
import { commandSettings } from "../../../../src/jobs/sources/command/settings.ts";
import { sourceRuns } from "../../../support/source-runs.ts";
import { tempDir } from "../../../support/temp.ts";

async function running(command: string[], settings: object = {}) {
  const base = tempDir();
  const { run } = await sourceRuns(v.parse(commandSettings, { command, name: "disk", ...settings }), {
    base,
  });
  return { base, run, print: (text: string) => writeFileSync(join(base, "out"), text) };
}

const titles = ({ items }: { items: { title: string }[] }) => items.map(({ title }) => title);
const CAT = ["cat", "out"];

test("each line that was not there the last time is an item, and one that comes again is one again", async () => {
  const { run, print } = await running(CAT);
  print("/ is 91 % full\n\n/home is 95 % full\n");
  expect(titles(await run())).toEqual(["/ is 91 % full", "/home is 95 % full"]);
  expect(titles(await run())).toEqual([]);
  print("/home is 95 % full\n");
  expect(titles(await run())).toEqual([]);
  print("/ is 91 % full\n/home is 95 % full\n");
  expect(titles(await run())).toEqual(["/ is 91 % full"]);
});

test("what found no room comes again, also when the command prints it no more", async () => {
  const { run, print } = await running(CAT);
  print("a\nb\n");
  expect(titles(await run(1))).toEqual(["a", "b"]);
  print("");
  expect(titles(await run())).toEqual(["b"]);
  expect(titles(await run())).toEqual([]);
});

test.each([
  ["a list", (items: object[]) => JSON.stringify(items, null, 1)],
  ["lines", (items: object[]) => items.map((item) => JSON.stringify(item)).join("\n")],
])("items as %s of JSON have what they say, and an id is what they are known by", async (_, write) => {
  const { run, print } = await running(CAT);
  const item = {
    id: 7,
    title: "Backup",
    text: "12 GB",
    link: "https://example.org/b",
    date: "2026-11-20T06:00:00Z",
    other: {},
  };
  print(write([item, { title: "Other" }]));
  expect((await run()).items).toMatchObject([
    {
      title: "Backup",
      text: "12 GB",
      link: "https://example.org/b",
      publishedAt: Date.UTC(2026, 10, 20, 6),
      source: "disk",
    },
    { title: "Other" },
  ]);
  print(write([{ ...item, title: "Backup, changed" }, { title: "Other" }]));
  expect((await run()).items).toEqual([]);
});

test.each([
  [["sh", "-c", "echo a; echo the disk is gone >&2; exit 4"], /sh exited with 4: the disk is gone/],
  [["sh", "-c", "echo '[{'"], /begins as JSON and is none/],
  [["sh", "-c", `echo '[{"name":"x"}]'`], /at least a title/],
  [
    ["sh", "-c", "yes '[[' | head -c 200000 | tr -d '\\n' | sed 's/^/[\"a\",/'"],
    /more than 100000 values|is none/,
  ],
  [["./missing"], /missing is not there/],
])("%j is a failure of the source that says why", async (command, message) => {
  const { run } = await running(command);
  expect((await run()).error).toMatch(message);
});

test("a command that takes too long is ended with all that it started", async () => {
  const { run, base } = await running(["sh", "-c", "sleep 50 & sleep 50 & echo started > started; wait"], {
    timeout: "1s",
  });
  expect((await run()).error).toMatch(/sh took longer than 1 s and was ended/);
  expect(readFileSync(join(base, "started"), "utf8")).toBe("started\n");
});

test("a flood of output is bounded, and forks are contained", async () => {
  const { run } = await running(
    ["sh", "-c", "for n in 1 2 3 4 5 6 7 8; do (sleep 30 &) ; done; yes a line | head -n 200000"],
    { max_output_kb: 8 },
  );
  const { items, notes, error } = await run();
  expect(error).toBe(null);
  expect(notes.join()).toMatch(/first 8 KiB/);
  expect(items.length).toBeLessThanOrEqual(200);
});

test("it starts in its folder, with a clean environment", async () => {
  process.env.SECRET_OF_AFK = "x";
  const { run, base } = await running(
    ["sh", "-c", 'pwd; echo "[$SECRET_OF_AFK]"; echo "$REPORT"; echo "$AFK_JOB"'],
    {
      cwd: "in",
      env: { REPORT: "weekly" },
    },
  );
  delete process.env.SECRET_OF_AFK;
  mkdirSync(join(base, "in"));
  expect(titles(await run())).toEqual([join(base, "in"), "[]", "weekly", "digest"]);
});

test("a line for a shell is refused with what to write", () => {
  expect(v.safeParse(commandSettings, { command: "df -h" }).issues?.[0]?.message).toMatch(/as a list/);
});
