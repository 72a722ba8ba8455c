import { truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { collectFolder } from "../../../../src/jobs/sources/folder/folder.ts";
import { lastMessages } from "../../../../src/jobs/sources/mail/mbox.ts";
import { withFile } from "../../../../src/jobs/sources/read-file.ts";
import { tempDir } from "../../../support/temp.ts";
import { memoryFile } from "../memory-file.ts";

const BOUNDS = { bytesMax: 1024 * 1024, messagesMax: 200 };

async function split(content: string, bounds = BOUNDS) {
  const { messages, before } = await lastMessages(memoryFile(content), bounds);
  return { before, messages: messages.map(({ start, end }) => content.slice(start, end)) };
}

const MBOX = `From a@example.org Tue Nov  3 08:00:00 2026
Subject: one

Text.

From here on it is a paragraph, not a message.
From b@example.org Tue Nov  3 08:00:00 2026 is in the middle of one, too.

>From is quoted once

From - Wed Nov 04 09:30 2026 +0100
Subject: two

More.
`;

test("splits an mbox at its postmarks only", async () => {
  const { messages, before } = await split(MBOX);
  expect(messages).toHaveLength(2);
  expect(messages[0]).toContain("\nFrom here on it is");
  expect(messages[0]).toContain("\nFrom b@example.org");
  expect(messages[0]).toMatch(/\n>From is quoted once\n$/);
  expect(messages[1]).toBe("Subject: two\n\nMore.\n");
  expect(before).toBe(0);
});

test.each([
  ["line ends of CR LF", MBOX.replaceAll("\n", "\r\n")],
  ["empty lines at its start", `\n\n${MBOX}`],
  ["a byte order mark", `\xEF\xBB\xBF${MBOX}`],
])("splits an mbox with %s", async (_, content) => {
  const { messages } = await lastMessages(memoryFile(Buffer.from(content, "latin1")), BOUNDS);
  expect(messages).toHaveLength(2);
});

test("splits an mbox without empty lines at postmarks that nothing else can be", async () => {
  const message = (n: number) =>
    `From a@example.org Tue Nov  3 08:0${n}:00 2026\nSubject: ${n}\n\nHi.\nFrom b@example.org Tue Nov  3 08:00:00 2026\nand on.\n`;
  expect((await split([1, 2, 3].map(message).join(""))).messages).toHaveLength(3);
});

test("passes over what a mail server keeps in the file", async () => {
  const folder = tempDir();
  const data =
    "From MAILER-DAEMON Tue Nov  3 07:00:00 2026\nSubject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA\n\nx\n\n";
  writeFileSync(join(folder, "a.mbox"), data + MBOX);
  const signal = new AbortController().signal;
  const { items } = await collectFolder({ folder }, { base: ".", signal });
  expect(items.map(({ title }) => title)).toEqual(["two", "one"]);
});

test("says when a message was delivered", async () => {
  const { messages } = await lastMessages(memoryFile(MBOX), BOUNDS);
  expect(messages.map(({ deliveredAt }) => deliveredAt)).toEqual([
    "Tue Nov  3 08:00:00 2026",
    "Wed Nov 04 09:30 2026 +0100",
  ]);
});

test("an empty file is a mailbox without mail", async () => {
  expect(await split("")).toEqual({ messages: [], before: 0 });
});

test("refuses a file that does not begin with a postmark", async () => {
  await expect(split("Subject: x\n\nFrom a Tue Nov 3 08:00:00 2026")).rejects.toThrow("`From ` line");
});

test("a line that is made to keep the search for postmarks busy does not", async () => {
  const line = `From ${"1:00 ".repeat(200_000)}`;
  expect((await split(`${MBOX}\n${line}`)).messages).toHaveLength(2);
  expect((await split(`${MBOX}\n${"\nFrom ".repeat(100_000)}`)).messages).toHaveLength(2);
});

test("takes the last messages, and counts the bytes before them", async () => {
  const { messages, before } = await split(MBOX, { ...BOUNDS, messagesMax: 1 });
  expect(messages).toEqual(["Subject: two\n\nMore.\n"]);
  expect(before).toBe(MBOX.indexOf("\nFrom - Wed"));
});

test("looks at no more than the bound from the end", async () => {
  const { messages, before } = await split(MBOX, { ...BOUNDS, bytesMax: 80 });
  expect(messages).toEqual(["Subject: two\n\nMore.\n"]);
  expect(before).toBeGreaterThan(0);
  await expect(split(MBOX, { ...BOUNDS, bytesMax: 20 })).rejects.toThrow(
    "no message begins in its last 20 bytes; max_bytes can be raised",
  );
});

test("finds a postmark wherever the pieces that it reads are cut", async () => {
  for (let padding = 0; padding < 60; padding++) {
    const content = `${MBOX}\nFrom c Tue Nov  3 08:00:00 2026\nSubject: three\n\n${"x".repeat(1024 * 1024 - 100 + padding)}\n`;
    const { messages } = await lastMessages(memoryFile(content), {
      bytesMax: 4 * 1024 * 1024,
      messagesMax: 9,
    });
    expect(messages).toHaveLength(3);
  }
});

test("reads the newest messages of an mbox of 5 GB in little memory, and says what it left", async () => {
  const folder = tempDir();
  const path = join(folder, "list.mbox");
  writeFileSync(path, "From a@example.org Mon Nov  2 09:00:00 2026\nSubject: old\n\n");
  truncateSync(path, 5_000_000_000);
  writeFileSync(path, `\n\n${MBOX}`, { flag: "a" });
  const { items, notes } = await collectFolder(
    { folder },
    { base: folder, signal: new AbortController().signal },
  );
  expect(items.map(({ title }) => title).toSorted()).toEqual(["one", "two"]);
  expect(notes).toEqual([
    "list.mbox: only its last 2 messages were read, not the 5000000001 bytes before them",
  ]);
  const read: number[] = [];
  await withFile(path, { followLinks: false }, async (file) => {
    const watched = {
      ...file,
      read(start: number, length: number) {
        read.push(length);
        return file.read(start, length);
      },
    };
    await lastMessages(watched, { bytesMax: 16 * 1024 * 1024, messagesMax: 200 });
  });
  expect(Math.max(...read)).toBeLessThan(1024 * 1024 + 1_000);
  expect(read.reduce((sum, length) => sum + length, 0)).toBeLessThan(17 * 1024 * 1024);
});
