import fc from "fast-check";
import { expect, test } from "vitest";
import { readNote } from "../../../../src/jobs/sources/folder/note.ts";
import { readMail } from "../../../../src/jobs/sources/mail/mail.ts";
import { lastMessages } from "../../../../src/jobs/sources/mail/mbox.ts";
import { SourceUnreadable } from "../../../../src/jobs/sources/source.ts";
import { memoryFile, memoryMessage } from "../memory-file.ts";

const BYTES_MAX = 1024 * 1024;
const RUNS = { numRuns: 300 };

/** Words of mails and notes in any order, and any bytes between them. */
const soup = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        "Subject: ",
        "Date: ",
        "Message-ID: <",
        "Content-Type: multipart/mixed; boundary=b",
        'Content-Type: multipart/alternative; boundary="b"',
        "Content-Type: text/html; charset=utf-16",
        "Content-Type: message/rfc822",
        "Content-Transfer-Encoding: base64",
        "Content-Transfer-Encoding: quoted-printable",
        "format=flowed; delsp=yes",
        "\n",
        "\r\n",
        "\n\n",
        "--b\n",
        "--b--\n",
        "=?utf-8?Q?",
        "=?iso-2022-jp?B?",
        "?=",
        "From a@example.org Mon Nov  2 08:00:00 2026\n",
        ">From ",
        "---\n",
        "+++\n",
        "title: ",
        "<!--",
        "```",
      ),
      fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString("latin1")),
    ),
    { maxLength: 60 },
  )
  .map((parts) => Buffer.from(parts.join(""), "latin1"));

test("whatever bytes a mail has, it is read or unreadable, and its text is bounded and whole", async () => {
  const property = fc.asyncProperty(soup, async (bytes) => {
    const result = await readMail(memoryMessage(bytes), BYTES_MAX).catch((error: unknown) => error);
    if (result instanceof SourceUnreadable) return;
    const { item, unread } = result as Awaited<ReturnType<typeof readMail>>;
    expect(unread).toBe(0);
    expect(`${item.text}`.isWellFormed()).toBe(true);
    expect(`${item.text}`.length).toBeLessThanOrEqual(8_000);
  });
  await fc.assert(property, RUNS);
});

test("a mail says the same however few bytes each read gives", async () => {
  const property = fc.asyncProperty(soup, fc.integer({ min: 1, max: 7 }), async (bytes, few) => {
    const whole = memoryMessage(bytes);
    const slow = {
      ...whole,
      read: (start: number, length: number) => whole.read(start, Math.min(length, few)),
    };
    const read = (message: typeof whole) =>
      readMail(message, BYTES_MAX).catch((error: Error) => error.message);
    expect(await read(slow)).toEqual(await read(whole));
  });
  await fc.assert(property, RUNS);
});

test("the messages of an mbox do not overlap, and none is lost", async () => {
  const message = fc
    .stringMatching(/^[a-zA-Z \n]{0,80}$/)
    .map((text) => `Subject: x\n\n${text.replaceAll("From", "")}\n`);
  const property = fc.asyncProperty(fc.array(message, { minLength: 1, maxLength: 20 }), async (messages) => {
    const content = messages.map((each) => `From a@example.org Mon Nov  2 08:00:00 2026\n${each}\n`).join("");
    const found = await lastMessages(memoryFile(content), { bytesMax: BYTES_MAX, messagesMax: 100 });
    const texts = found.messages.map(({ start, end }) => content.slice(start, end));
    expect(texts.map((text) => text.trimEnd())).toEqual(messages.map((each) => each.trimEnd()));
    expect(found.before).toBe(0);
  });
  await fc.assert(property, RUNS);
});

test("any text in encoded words, cut wherever, is read as it was written", async () => {
  const text = fc
    .string({ unit: "grapheme", minLength: 1, maxLength: 60 })
    .filter((each) => /^[^\s\p{C}]+$/u.test(each));
  const property = fc.asyncProperty(
    text,
    fc.boolean(),
    fc.integer({ min: 1, max: 9 }),
    async (written, isBase64, step) => {
      const bytes = Buffer.from(written);
      const words: string[] = [];
      for (let at = 0; at < bytes.length; at += step) {
        const piece = bytes.subarray(at, at + step);
        const quoted = piece.toString("hex").replace(/../g, "=$&");
        words.push(isBase64 ? `=?utf-8?B?${piece.toString("base64")}?=` : `=?utf-8?Q?${quoted}?=`);
      }
      const { item } = await readMail(memoryMessage(`Subject: ${words.join("\r\n ")}\r\n\r\nx`), BYTES_MAX);
      expect(item.title).toBe(written);
    },
  );
  await fc.assert(property, RUNS);
});

test("whatever bytes a note has, it is read", () => {
  const property = fc.property(soup, (bytes) => {
    const { title, text } = readNote({ name: "a.md", modifiedMs: 0 }, bytes);
    expect(`${title}${text}`.isWellFormed()).toBe(true);
  });
  fc.assert(property, RUNS);
});
