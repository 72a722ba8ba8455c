import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { OUTPUT_NAME, type OutputFile, publishPending, saveOutputs } from "../../src/queue/publish.ts";
import { tempDir } from "../support/temp.ts";
import { type QueueHarness, queueHarness } from "./harness.ts";

async function outputHarness(): Promise<{
  queue: QueueHarness;
  out: string;
  save(...files: OutputFile[]): Promise<string[]>;
  publish(): Promise<string[]>;
  read(name: string): string;
}> {
  const queue = await queueHarness();
  const out = join(tempDir(), "out");
  await queue.add("digest@1");
  const { id } = await queue.job("digest@1");
  return {
    queue,
    out,
    save: (...files) => queue.store.transaction((trx) => saveOutputs(trx, id, files, queue.clock.nowMs())),
    publish: () => publishPending(queue.store.db, out, queue.clock.nowMs()),
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
    const work = queue.store.transaction(async (trx) => {
      await saveOutputs(trx, id, [file("digest.md")], 1);
      throw new Error("the job was not done");
    });
    await expect(work).rejects.toThrow("the job was not done");
    expect(await publish()).toEqual([]);
    expect(existsSync(out)).toBe(false);
  });

  test("can be read by everybody, and its folder too", async () => {
    const { out, save, publish } = await outputHarness();
    const before = process.umask(0o022);
    try {
      await save(file("digest.md"));
      await publish();
    } finally {
      process.umask(before);
    }
    expect(statSync(join(out, "digest.md")).mode & 0o777).toBe(0o644);
    expect(statSync(out).mode & 0o777).toBe(0o755);
  });
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

  test("in the middle of the file leaves a part that the next pass overwrites", async () => {
    const { out, save, publish, read } = await outputHarness();
    await save(file("digest.md", "whole"));
    mkdirSync(out);
    writeFileSync(join(out, ".digest.md.part"), "a part that is longer than the whole");
    await publish();
    expect(readdirSync(out)).toEqual(["digest.md"]);
    expect(read("digest.md")).toBe("whole");
  });

  test("before one file leaves those that were written before it published", async () => {
    const { queue, out, save, publish } = await outputHarness();
    await save(file("first.md"));
    queue.clock.advance(1);
    await save(file("second.md"));
    mkdirSync(join(out, "second.md"), { recursive: true });
    await expect(publish()).rejects.toThrow();
    const pending = queue.store.db.selectFrom("outputs").select("name").where("state", "=", "pending");
    expect(await pending.execute()).toEqual([{ name: "second.md" }]);
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
