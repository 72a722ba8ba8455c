// @module-tag processes
import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  OUTPUT_NAME,
  type OutputFile,
  publishPending,
  type SetAside,
  saveOutputs,
} from "../../src/queue/publish.ts";
import { removeTemporary } from "../../src/store/durable-file.ts";
import { tempDir } from "../support/temp.ts";
import { type QueueHarness, queueHarness } from "./harness.ts";

async function outputHarness(): Promise<{
  queue: QueueHarness;
  out: string;
  save(...files: OutputFile[]): Promise<string[]>;
  publish(): Promise<string[]>;
  setAside(): Promise<SetAside[]>;
  read(name: string): string;
}> {
  const queue = await queueHarness();
  const out = join(tempDir(), "out");
  await queue.add("digest@1");
  const { id } = await queue.job("digest@1");
  return {
    queue,
    out,
    save: (...files) => queue.store.atomically((trx) => saveOutputs(trx, id, files, queue.clock.nowMs())),
    publish: async () => (await publishPending(queue.store.db, out, queue.clock.nowMs())).files,
    setAside: async () => (await publishPending(queue.store.db, out, queue.clock.nowMs())).setAside,
    read: (name) => readFileSync(join(out, name), "utf8"),
  };
}

const file = (name: string, content = `content of ${name}`): OutputFile => ({ name, content });

describe("a saved output", () => {
  test("is published with its content, and only once", async () => {
    const { queue, out, save, publish, read } = await outputHarness();
    expect(await save(file("digest.md", "# Tür\n"), file("digest.html"))).toEqual([
      "digest.md",
      "digest.html",
    ]);
    expect(existsSync(out)).toBe(false);
    expect((await publish()).sort()).toEqual([join(out, "digest.html"), join(out, "digest.md")]);
    expect(read("digest.md")).toBe("# Tür\n");
    expect(readdirSync(out).sort()).toEqual(["digest.html", "digest.md"]);
    const rows = await queue.store.db.selectFrom("outputs").select(["state", "published_at"]).execute();
    expect(rows).toEqual([
      { state: "published", published_at: queue.clock.nowMs() },
      { state: "published", published_at: queue.clock.nowMs() },
    ]);
    expect(await publish()).toEqual([]);
  });

  test("that a reader has removed since is not written again", async () => {
    const { out, save, publish } = await outputHarness();
    await save(file("digest.md"));
    await publish();
    rmSync(join(out, "digest.md"));
    expect(await publish()).toEqual([]);
    expect(existsSync(join(out, "digest.md"))).toBe(false);
  });

  test("does not exist when its transaction did not commit", async () => {
    const { queue, out, publish } = await outputHarness();
    const { id } = await queue.job("digest@1");
    const work = queue.store.atomically(async (trx) => {
      await saveOutputs(trx, id, [file("digest.md")], 1);
      throw new Error("the job was not done");
    });
    await expect(work).rejects.toThrow("the job was not done");
    expect(await publish()).toEqual([]);
    expect(existsSync(out)).toBe(false);
  });

  test.each([0o000, 0o022, 0o777])(
    "is for its own user alone, with its folder, under umask %i",
    async (umask) => {
      const { out, save, publish } = await outputHarness();
      const before = process.umask(umask);
      try {
        await save(file("digest.md"));
        await publish();
      } finally {
        process.umask(before);
      }
      expect(statSync(join(out, "digest.md")).mode & 0o777).toBe(0o600);
      expect(statSync(out).mode & 0o777).toBe(0o700);
    },
  );
});

describe("a crash", () => {
  test("between the file and its mark gives the same bytes under the same name again", async () => {
    const { queue, out, save, publish, read } = await outputHarness();
    await save(file("digest.md"));
    await publish();
    const crashed = { state: "pending", published_at: null } as const;
    await queue.store.db.updateTable("outputs").set(crashed).execute();
    expect(await publish()).toEqual([join(out, "digest.md")]);
    expect(readdirSync(out)).toEqual(["digest.md"]);
    expect(read("digest.md")).toBe("content of digest.md");
  });

  test("in the middle of the file leaves a part that is removed once nobody can be writing it", () => {
    const out = tempDir();
    for (const name of [`.afk-${"0".repeat(26)}.part`, `.afk-${"1".repeat(26)}.part`, ".own.part", "a.md"])
      writeFileSync(join(out, name), "");
    const old = Date.now() / 1_000 - 3_600;
    for (const name of [`.afk-${"0".repeat(26)}.part`, ".own.part", "a.md"])
      utimesSync(join(out, name), old, old);
    removeTemporary(out, 60_000);
    expect(readdirSync(out).sort()).toEqual([`.afk-${"1".repeat(26)}.part`, ".own.part", "a.md"]);
  });
});

describe("a file that cannot be written", () => {
  const OBSTACLES: [what: string, put: (path: string, out: string) => void, reason: RegExp][] = [
    ["a folder", (path) => mkdirSync(path), /a folder is in its place/],
    ["another file", (path) => writeFileSync(path, "somebody else's"), /another file is in its place/],
    [
      "a link to a file",
      (path, out) => {
        writeFileSync(join(out, "..", "elsewhere"), "somebody else's");
        symlinkSync("../elsewhere", path);
      },
      /no file is in its place/,
    ],
    ["a link to nothing", (path) => symlinkSync("../nothing", path), /no file is in its place/],
    ["a link to itself", (path) => symlinkSync(path, path), /no file is in its place/],
    ["a pipe", (path) => void execFileSync("mkfifo", [path]), /no file is in its place/],
  ];
  test.each(OBSTACLES)(
    "since %s is in its place is set aside, and the others are written",
    async (_what, put, reason) => {
      const { queue, out, save, publish, setAside, read } = await outputHarness();
      mkdirSync(out);
      put(join(out, "m.md"), out);
      await save(file("a.md"), file("m.md"), file("z.md"));
      expect((await publish()).sort()).toEqual([join(out, "a.md"), join(out, "z.md")]);
      expect(await setAside()).toEqual([{ name: "m.md", reason: expect.stringMatching(reason) }]);
      const elsewhere = join(out, "..", "elsewhere");
      if (existsSync(elsewhere)) expect(readFileSync(elsewhere, "utf8")).toBe("somebody else's");
      expect(existsSync(join(out, "..", "nothing"))).toBe(false);
      rmSync(join(out, "m.md"), { recursive: true });
      expect(await publish()).toEqual([join(out, "m.md")]);
      expect(read("m.md")).toBe("content of m.md");
      expect(queue.store.db.isTransaction).toBe(false);
    },
  );

  test("since its name was changed in the database is written nowhere", async () => {
    const { queue, out, save, publish, setAside } = await outputHarness();
    const names = [
      "../escape",
      "../../afk.yaml",
      "/etc/afk-test",
      "a/b",
      "..",
      ".",
      "",
      ".hidden",
      "a\u0000b",
      "x".repeat(300),
    ];
    await save(...names.map((_name, n) => file(`good-${n}.md`)), file("last.md"));
    for (const [n, name] of names.entries())
      await queue.store.db.updateTable("outputs").set({ name }).where("name", "=", `good-${n}.md`).execute();
    const before = readdirSync(join(out, ".."));
    expect(await publish()).toEqual([join(out, "last.md")]);
    expect(readdirSync(out)).toEqual(["last.md"]);
    expect(readdirSync(join(out, ".."))).toEqual([...before, "out"].sort());
    expect((await setAside()).map(({ name }) => name).sort()).toEqual(names.sort());
  });

  test("keeps none back that comes behind it, however many there are", async () => {
    const { queue, out, save, publish } = await outputHarness();
    await save(...Array.from({ length: 120 }, (_each, n) => file(`bad-${n}`)), file("last.md"));
    await queue.store.db
      .updateTable("outputs")
      .set((eb) => ({ name: eb("name", "||", "/") }))
      .where("name", "!=", "last.md")
      .execute();
    expect(await publish()).toEqual([join(out, "last.md")]);
  });
});

describe("a folder that nothing can be written into", () => {
  test.each([
    ["is a link to another", (out: string) => symlinkSync(tempDir(), out), /is a link/],
    ["is a file", (out: string) => writeFileSync(out, ""), /is no folder/],
    ["is a pipe", (out: string) => void execFileSync("mkfifo", [out]), /is no folder/],
  ])("since it %s is told of once for all, and nothing is lost", async (_what, put, reason) => {
    const { out, save, publish, setAside, read } = await outputHarness();
    put(out);
    await save(file("a.md"), file("b.md"));
    expect(await setAside()).toEqual([{ name: null, reason: expect.stringMatching(reason) }]);
    rmSync(out);
    expect(await publish()).toEqual([join(out, "a.md"), join(out, "b.md")]);
    expect(read("b.md")).toBe("content of b.md");
  });
});

describe("a name", () => {
  test("that is taken gets -2, then -3, before its extension", async () => {
    const { save, publish, read } = await outputHarness();
    expect(await save(file("digest.md", "first"))).toEqual(["digest.md"]);
    await publish();
    expect(await save(file("digest.md", "second"))).toEqual(["digest-2.md"]);
    expect(await save(file("digest.md", "third"), file("digest.md", "fourth"))).toEqual([
      "digest-3.md",
      "digest-4.md",
    ]);
    await publish();
    expect(read("digest.md")).toBe("first");
    expect(read("digest-2.md")).toBe("second");
    expect(read("digest-4.md")).toBe("fourth");
  });

  test("without an extension gets its number at the end", async () => {
    const { save } = await outputHarness();
    await save(file("LICENSE"));
    expect(await save(file("LICENSE"))).toEqual(["LICENSE-2"]);
  });

  test.each([
    "digest-2026-11-21.md",
    "a",
    "Übersicht.md",
    "日本-2026.html",
    `${"x".repeat(148)}.md`,
    `${"字".repeat(57)}.md`,
    "𠀀".repeat(60),
  ])("may be %j, also when it is taken, and is then a file", async (name) => {
    const { out, save, publish } = await outputHarness();
    const names = await save(file(name, "first"), file(name, "second"));
    await publish();
    expect(readdirSync(out).sort()).toEqual(names.sort());
  });

  test.each([
    "",
    ".",
    "..",
    ".hidden",
    "-flag",
    "../afk.db",
    "a/b.md",
    "a\\b.md",
    "/etc/passwd",
    "two words.md",
    "line\nbreak",
    "nul\0.md",
    "a:b",
    "x".repeat(152),
    "字".repeat(100),
  ])("may not be %j", async (name) => {
    expect(OUTPUT_NAME.test(name)).toBe(false);
    const { save, publish } = await outputHarness();
    await expect(save(file("good.md"), file(name))).rejects.toThrow("afk bug: an output named");
    expect(await publish()).toEqual([]);
  });
});
