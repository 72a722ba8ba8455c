// @module-tag processes
import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { findFix } from "../../../src/evidence/incidents/fixed-by.ts";
import { tempDir } from "../../support/temp.ts";
import { prepared } from "../report/prepared.ts";

const AUTHOR = ["-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"];

async function withRelease() {
  const { db } = await prepared();
  const folder = tempDir();
  const release = {
    ...{ id: "r1", config_hash: "3f2a91c0".repeat(8), version: "0.9.0", config_text: "", reason: "" },
    ...{ difference: "", facts: "{}", units: "{}", made_at: Date.UTC(2026, 10, 20) },
  };
  await db.insertInto("releases").values(release).execute();
  return { folder, find: (text: string) => findFix({ db, version: "1.2.3", folders: [folder] }, text) };
}

test("is a version that runs or was released here, or a release by the beginning of its hash", async () => {
  const { find } = await withRelease();
  expect(await find("1.2.3")).toBe("afk 1.2.3");
  expect(await find(" 0.9.0 ")).toBe("afk 0.9.0");
  expect(await find("3f2a91")).toBe("release 3f2a91c03f2a, made 2026-11-20T00:00:00.000Z");
});

test("is a commit or a tag of the repository beside it", async () => {
  const { find, folder } = await withRelease();
  const git = (...words: string[]) =>
    execFileSync("git", ["-C", folder, ...AUTHOR, ...words])
      .toString()
      .trim();
  git("init", "-q");
  git("commit", "-q", "--allow-empty", "-m", "Make room before a backup");
  git("tag", "v7");
  const hash = git("rev-parse", "HEAD");
  const words = `commit ${hash.slice(0, 12)}: Make room before a backup`;
  expect(await find(hash)).toBe(words);
  expect(await find(hash.slice(0, 7))).toBe(words);
  expect(await find("v7")).toBe(words);
});

test.each(["1.2.4", "deadbeef", "3f2a9", "v8", "--output=/tmp/x", "HEAD; true"])(
  "is not %s",
  async (text) => {
    const { find, folder } = await withRelease();
    await expect(find(text)).rejects.toMatchObject({
      code: "unknown_fix",
      message: expect.stringContaining(`no commit in the git repository of ${folder}`),
    });
  },
);

test("is no word that says nothing", async () => {
  const { find } = await withRelease();
  await expect(find(" - ")).rejects.toMatchObject({ code: "nothing_said" });
});
