import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { collectFolder, inspectFolder } from "../../../../src/jobs/sources/folder/folder.ts";
import { tempDir } from "../../../support/temp.ts";

const signal = new AbortController().signal;

/** A Maildir with these files, by their paths in it. */
function maildir(files: Record<string, string>, folder = tempDir()): string {
  for (const name of ["cur", "new", "tmp"]) mkdirSync(join(folder, name), { recursive: true });
  for (const [path, content] of Object.entries(files)) writeFileSync(join(folder, path), content);
  return folder;
}

const mail = (subject: string, id?: string) =>
  `Subject: ${subject}\r\n${id === undefined ? "" : `Message-ID: <${id}@example.org>\r\n`}\r\nWords.\r\n`;

const collect = (folder: string) => collectFolder({ folder }, { base: "/nowhere", signal });

test("reads new and seen mails, and nothing that is not delivered yet", async () => {
  const folder = maildir({
    "new/1700000000.M1P1.host": mail("new"),
    "cur/1700000001.M1P1.host:2,S": mail("seen"),
    "cur/1700000002.M1P1.host;2,RS": mail("another file system"),
    "cur/1700000003.eml": mail("a name of its own"),
    "tmp/1700000004.M1P1.host": mail("half"),
    "dovecot-uidlist": "3 V1",
  });
  const { items, notes } = await collect(folder);
  expect(items.map(({ title }) => title).toSorted()).toEqual([
    "a name of its own",
    "another file system",
    "new",
    "seen",
  ]);
  expect(items[0]).toMatchObject({ text: "Words." });
  expect(notes).toEqual([]);
});

test("counts drafts and what is marked as deleted, and names the subfolders", async () => {
  const folder = maildir({
    "cur/1.a:2,ST": mail("deleted"),
    "cur/2.a:2,T": mail("deleted"),
    "cur/3.a:2,DS": mail("draft"),
    "cur/4.a:2,S": mail("kept"),
  });
  for (const name of [".Sent", "Archive"]) maildir({}, join(folder, name));
  const { items, notes } = await collect(folder);
  expect(items.map(({ title }) => title)).toEqual(["kept"]);
  expect(notes.toSorted()).toEqual([
    "passed over 3 that afk does not read: 1 draft, 2 marked as deleted",
    "subfolders are not read (each can be a source of its own): .Sent, Archive",
  ]);
  expect(await inspectFolder(folder, signal)).toEqual(notes);
});

test("a mail that moves from new to cur, and whose flags change, is the same", async () => {
  const folder = maildir({ "new/1700000000.M1P1.host": mail("no identifier") });
  const [before] = (await collect(folder)).items;
  renameSync(join(folder, "new/1700000000.M1P1.host"), join(folder, "cur/1700000000.M1P1.host:2,RS"));
  expect((await collect(folder)).items.map(({ key }) => key)).toEqual([before!.key]);
});

test("one mail that is none does not take the others with it", async () => {
  const folder = maildir({ "new/1.a": "no headers", "new/2.a": mail("good") });
  const { items, notes } = await collect(folder);
  expect(items.map(({ title }) => title)).toEqual(["good"]);
  expect(notes).toEqual(["left out 1.a: it has no mail headers"]);
});
