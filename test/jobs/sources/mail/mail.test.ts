import { expect, test } from "vitest";
import { readMail } from "../../../../src/jobs/sources/mail/mail.ts";
import { parseDate } from "../../../../src/lib/dates.ts";
import { memoryMessage } from "../memory-file.ts";

const BYTES_MAX = 1024 * 1024;

const read = async (content: Buffer | string, bytesMax = 4 * BYTES_MAX) =>
  await readMail(memoryMessage(content), bytesMax);

/** Header fields, an empty line and a body, as Latin-1: each character is a byte. */
const message = (fields: Record<string, string>, body = "x") =>
  Buffer.from(
    `${Object.entries(fields)
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join("")}\r\n${body}`,
    "latin1",
  );

const bytes = (text: string) => Buffer.from(text).toString("latin1");
const subjectOf = async (subject: string, fields: Record<string, string> = {}) =>
  (await read(message({ ...fields, Subject: subject }))).item.title;
const textOf = async (fields: Record<string, string>, body: string) =>
  (await read(message({ Subject: "s", ...fields }, body))).item.text;

test.each([
  ["plain text", "Hello", "Hello"],
  ["quoted-printable", "=?ISO-8859-1?Q?Gr=FC=DFe_an_alle?=", "Grüße an alle"],
  ["base64", "=?utf-8?b?R3LDvMOfZQ==?=", "Grüße"],
  ["words side by side", "=?utf-8?Q?Gr?= \r\n =?utf-8?Q?=C3=BC=C3=9Fe?=", "Grüße"],
  ["a character cut between words", "=?utf-8?B?R3LD?= =?utf-8?B?vMOfZQ==?=", "Grüße"],
  ["a character cut between words of both encodings", "=?utf-8?B?R3LD?= =?UTF-8?Q?=BC=C3=9Fe?=", "Grüße"],
  ["text beside words", "Re: =?utf-8?Q?=C3=BC?= and =?utf-8?Q?=C3=9F?= end", "Re: ü and ß end"],
  ["a word folded as a body is", "=?utf-8?Q?Gr=C3=BC=\r\n =C3=9Fe_an=\r\n _alle=?=", "Grüße an alle"],
  ["words that touch text", "a=?utf-8?Q?=C3=BC?=b", "aüb"],
  ["a language (RFC 2231)", "=?utf-8*de?Q?Gr=C3=BC=C3=9Fe?=", "Grüße"],
  ["spaces in a word", "=?utf-8?Q?Gr=C3=BC=C3=9Fe an alle?=", "Grüße an alle"],
  ["base64 without its padding", "=?utf-8?B?R3LDvMOfZQ?=", "Grüße"],
  ["small hexadecimal digits", "=?utf-8?q?Gr=c3=bc=c3=9fe?=", "Grüße"],
  ["a charset that is wrong", "=?us-ascii?Q?Gr=C3=BC=C3=9Fe?=", "Grüße"],
  ["a charset that is none", "=?unknown-8bit?Q?Gr=C3=B6=C3=9Fe?=", "Größe"],
  ["UTF-8 that is none", "=?utf-8?Q?Gr=FC=DFe?=", "Grüße"],
  ["Japanese", "=?ISO-2022-JP?B?GyRCRnxLXBsoQg==?= =?ISO-2022-JP?B?GyRCOGwbKEI=?=", "日本語"],
  ["Japanese in the charset of old Windows", "=?x-sjis?B?k/qWew==?=", "日本"],
  ["Korean", "=?ks_c_5601-1987?B?x9GxuQ==?=", "한국"],
  ["Cyrillic", "=?koi8-r?B?8NLJ18XU?=", "Привет"],
  ["UTF-7", "=?unicode-1-1-utf-7?Q?Gr+APwA3w-e_+-_1?=", "Grüße + 1"],
  ["bytes of UTF-8", bytes("Grüße"), "Grüße"],
  ["bytes of Latin-1", "Gr\xFC\xDFe", "Grüße"],
  ["bytes of Windows", "\x93quoted\x94 \x80 5", "“quoted” € 5"],
  ["a word that does not end", "=?utf-8?Q?Gr", "=?utf-8?Q?Gr"],
  ["a word of another encoding", "=?utf-8?X?Gr?=", "=?utf-8?X?Gr?="],
  ["folded lines", "a\r\n b\r\n\tc", "a b\tc"],
])("reads a subject of %s", async (_, subject, expected) => {
  expect(await subjectOf(subject)).toBe(expected);
});

test.each([
  ["the mail", { "Content-Type": "text/plain; charset=koi8-r" }],
  ["its first part", { "Content-Type": "multipart/mixed; boundary=b" }],
])("reads a subject in raw bytes by the charset of %s", async (_, fields) => {
  const body = "--b\r\nContent-Type: text/plain; charset=koi8-r\r\n\r\nx";
  const { item } = await read(message({ Subject: "\xF0\xD2\xC9\xD7\xC5\xD4", ...fields }, body));
  expect(item.title).toBe("Привет");
});

test.each([
  ["Latin-1", "text/plain; charset=iso-8859-1", "K\xF6ln"],
  ["UTF-8 that says it is Japanese", "text/plain; charset=iso-2022-jp", bytes("Köln")],
  ["UTF-8 that says it is unknown", "text/plain; charset=unknown-8bit", bytes("Köln")],
  ["UTF-8 that says it is ASCII", "text/plain; charset=us-ascii", bytes("Köln")],
  ["Latin-1 that says it is UTF-8", "text/plain; charset=utf-8", "K\xF6ln"],
  ["UTF-8 that says nothing", "text/plain", bytes("Köln")],
  ["a charset in quotes, and in capitals", 'TEXT/PLAIN; CHARSET="ISO-8859-1"; format=fixed', "K\xF6ln"],
  ["a charset that comes in pieces", "text/plain; charset*0=iso-; charset*1=8859-1", "K\xF6ln"],
  ["a charset with a charset", "text/plain; charset*=us-ascii'en'iso-8859-1", "K\xF6ln"],
  ["a type that is none", "text", bytes("Köln")],
  ["UTF-7", "text/plain; charset=utf-7", "K+APY-ln"],
])("reads a text of %s", async (_, type, body) => {
  expect(await textOf({ "Content-Type": type }, body)).toBe("Köln");
});

test.each([
  ["quoted-printable", "quoted-printable", "K=C3=B6ln =  \r\nand=\r\n more=3D=X", "Köln and more==X"],
  ["base64", "base64", "S8O2\r\nbG4=\r\n", "Köln"],
  ["base64 in several pieces", "BASE64", "S8O2bG4=", "Köln"],
  ["an encoding that is none", "x-unknown", bytes("Köln"), "Köln"],
])("decodes %s", async (_, encoding, body, expected) => {
  expect(await textOf({ "Content-Transfer-Encoding": encoding }, body)).toBe(expected);
});

test("joins the lines of a flowed text, but not those of its signature", async () => {
  const body = "One \r\nline.\r\nTwo.\r\n> quoted \r\n> text\r\n-- \r\nMe\r\n From here";
  expect(await textOf({ "Content-Type": "text/plain; format=flowed" }, body)).toBe(
    "One line.\nTwo.\n> quoted > text\n--\nMe\nFrom here",
  );
  const chinese = "日 \r\n本";
  const type = "text/plain; charset=utf-8; format=flowed; delsp=yes";
  expect(await textOf({ "Content-Type": type }, bytes(chinese))).toBe("日本");
});

/** Parts between boundaries. */
const parts = (boundary: string, ...each: string[]) =>
  `${each.map((part) => `--${boundary}\r\n${part}\r\n`).join("")}--${boundary}--\r\n`;
const PLAIN = "Content-Type: text/plain\r\n\r\nPlain.";
const HTML = "Content-Type: text/html\r\n\r\n<p>Rich.</p>";
const PHOTO = `Content-Type: image/jpeg\r\nContent-Transfer-Encoding: base64\r\n\r\n${`${"A".repeat(76)}\r\n`.repeat(20_000)}`;

test.each([
  ["the plain of two forms", "alternative", [PLAIN, HTML], "Plain."],
  ["the plain of two forms, whichever comes first", "alternative", [HTML, PLAIN], "Plain."],
  [
    "HTML where the plain form is blank",
    "alternative",
    ["Content-Type: text/plain\r\n\r\n \r\n", HTML],
    "Rich.",
  ],
  ["what is not of two forms, in its order", "mixed", [HTML, PLAIN], "Rich.\n\nPlain."],
  ["a part without headers", "mixed", ["\r\nBare."], "Bare."],
  [
    "no attachment",
    "mixed",
    [PLAIN, "Content-Type: text/plain\r\nContent-Disposition: attachment\r\n\r\nFile."],
    "Plain.",
  ],
  ["no calendar", "mixed", [PLAIN, "Content-Type: text/calendar\r\n\r\nBEGIN:VCALENDAR"], "Plain."],
  ["a text behind a photo", "mixed", [PHOTO, PLAIN], "Plain."],
  ["a mail within", "mixed", ["Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nInner."], "Inner."],
  ["a mail within a digest", "digest", ["\r\nSubject: inner\r\n\r\nInner."], "Inner."],
  [
    "no mail that is sent back",
    "report",
    [PLAIN, "Content-Type: message/rfc822\r\n\r\nSubject: s\r\n\r\nOld."],
    "Plain.",
  ],
])("reads %s", async (_, subtype, each, expected) => {
  const fields = { "Content-Type": `multipart/${subtype}; boundary="a b"` };
  expect(await textOf(fields, parts("a b", ...each))).toBe(expected);
});

test("reads HTML behind its pictures and style sheets", async () => {
  const picture = `<img src="data:image/png;base64,${`${"A".repeat(76)}\r\n`.repeat(20_000)}">`;
  const head = `<head><style>${"p { color: red }\r\n".repeat(3_000)}</style></head>`;
  const body = `<html>${head}<body><!--[if mso]>${"x".repeat(30_000)}<![endif]-->${picture}<p>Words.</p></body></html>`;
  expect(await textOf({ "Content-Type": "text/html" }, body)).toBe("Words.");
  const encoded = Buffer.from(body).toString("base64");
  const fields = { "Content-Type": "text/html", "Content-Transfer-Encoding": "base64" };
  expect(await textOf(fields, encoded.replace(/.{76}/g, "$&\r\n"))).toBe("Words.");
});

test("a mail with neither subject nor text says so", async () => {
  const photo = "Date: Tue, 03 Nov 2026 09:00:00 +0100\r\nContent-Type: image/jpeg\r\n\r\nx";
  expect((await read(photo)).item.title).toBe("(no subject)");
});

test("reads forms within forms", async () => {
  const related = `Content-Type: multipart/related; boundary=r\r\n\r\n${parts("r", HTML, PHOTO)}`;
  const alternative = `Content-Type: multipart/alternative; boundary=ra\r\n\r\n${parts("ra", PLAIN, related)}`;
  const footer = "Content-Type: text/plain\r\n\r\nA list.";
  const body = `preamble\r\n${parts("m", alternative, footer)}epilogue`;
  expect(await textOf({ "Content-Type": "multipart/mixed; boundary=m" }, body)).toBe("Plain.\n\nA list.");
});

test.each([
  ["names no boundary", "multipart/mixed", parts("b", PLAIN)],
  ["does not end", "multipart/mixed; boundary=b", `--b\r\n${PLAIN}`],
  ["has spaces behind its boundaries", "multipart/mixed; boundary=b", `--b  \r\n${PLAIN}\r\n--b--\t\r\n`],
  [
    "is cut within its headers",
    "multipart/mixed; boundary=b",
    `--b\r\n${PLAIN}\r\n--b\r\nContent-Type: text/html`,
  ],
])("reads a mail whose multipart %s", async (_, type, body) => {
  expect(await textOf({ "Content-Type": type }, body)).toBe("Plain.");
});

test.each([
  ["its date", { Date: "Tue, 03 Nov 2026 08:00:00 +0100 (CET)" }],
  ["when it was received, where it has none", { Received: "from a by b; Tue, 3 Nov 2026 07:00:00 +0000" }],
  [
    "when it was received, where its date is none",
    { Date: "yesterday", Received: "from a by b;\r\n Tue, 3 Nov 2026 07:00:00 +0000" },
  ],
])("has for its date %s", async (_, fields) => {
  const { item } = await read(message({ Subject: "s", ...fields }));
  expect(item.publishedAt).toBe(parseDate("2026-11-03T07:00:00Z"));
});

test.each([
  ["Ann B <ann@example.org>", "Ann B"],
  ['"B, Ann \\"A\\"" <ann@example.org>', 'B, Ann "A"'],
  ["=?utf-8?Q?J=C3=BCrgen?= <j@example.org>, Ann <ann@example.org>", "Jürgen"],
  ["'Ann via List' <list@example.org>", "Ann via List"],
  ["ann@example.org", "ann@example.org"],
  ["<ann@example.org>", "ann@example.org"],
  ["ann@example.org (Ann B)", "Ann B"],
  ["", "Robot"],
])("has for its sender, of %s, %s", async (from, expected) => {
  const { item } = await read(message({ From: from, Sender: "Robot <r@example.org>" }));
  expect(item.sender).toBe(expected);
});

test("has for its identity what stands in angle brackets, else all of the field", async () => {
  expect((await read(message({ "Message-ID": " <1@example.org> (a comment)" }))).item.id).toBe(
    "<1@example.org>",
  );
  expect((await read(message({ "Message-Id": "17" }))).item.id).toBe("17");
  expect((await read(message({ Subject: "s" }))).item.id).toBeUndefined();
});

test("takes the first of a field that stands twice, and passes over lines that are no field", async () => {
  const { item } = await read(
    "From me@example.org Tue Nov  3 08:00:00 2026\r\nSubject: a\r\nnone\r\nSubject: b\r\n\r\nx",
  );
  expect(item).toMatchObject({ title: "a", text: "x" });
});

test("refuses what has no headers", async () => {
  await expect(read("just text\n\nSubject: x")).rejects.toThrow("it has no mail headers");
  await expect(read("")).rejects.toThrow("it has no mail headers");
});

test("reads the head of a mail of 2 GB in little memory, and counts the rest", async () => {
  const head = message(
    { Subject: "A photo", "Content-Type": "multipart/mixed; boundary=b" },
    `--b\r\n${PLAIN}\r\n--b\r\nContent-Type: image/jpeg\r\n\r\n`,
  );
  const end = 2_000_000_000;
  const reads: number[] = [];
  const range = {
    start: 0,
    end,
    isQuoted: false,
    read: async (start: number, length: number) => {
      reads.push(length);
      return Buffer.concat([head.subarray(start), Buffer.alloc(length, "A")]).subarray(0, length);
    },
  };
  const { item, unread } = await readMail(range, BYTES_MAX);
  expect(item).toMatchObject({ title: "A photo", text: "Plain." });
  expect(unread).toBe(end - BYTES_MAX);
  expect(Math.max(...reads)).toBeLessThanOrEqual(64 * 1024);
});

test.each([
  ["a hundred thousand headers", `${"Subject: a\r\n".repeat(100_000)}\r\nx`],
  ["a hundred thousand other headers", `Subject: a\r\n${"X-Y: a\r\n".repeat(100_000)}\r\nx`],
  ["a folded header without end", `Subject: a\r\n${" b\r\n".repeat(300_000)}`],
  ["a header in one line", `Subject: ${"a".repeat(2_000_000)}`],
  ["encoded words without number", `Subject: ${"=?utf-8?B?YQ==?= ".repeat(100_000)}\r\n\r\nx`],
  ["beginnings of encoded words", `Subject: ${"=?a?q?".repeat(200_000)}\r\n\r\nx`],
  ["parameters without number", `Content-Type: multipart/mixed${'; a*9="\\'.repeat(100_000)}\r\n\r\nx`],
  [
    "parts without number",
    `Subject: a\nContent-Type: multipart/mixed; boundary=b\n\n${"--b\n\na\n".repeat(200_000)}`,
  ],
  [
    "parts in parts without number",
    `Subject: a\n${Array.from({ length: 20_000 }, (_, n) => `Content-Type: multipart/mixed; boundary=b${n}\n\n--b${n}\n`).join("")}`,
  ],
  ["mails in mails without number", `Subject: a\n${"Content-Type: message/rfc822\n\n".repeat(50_000)}`],
  [
    "a boundary without end",
    `Subject: a\nContent-Type: multipart/mixed; boundary=${"b".repeat(500_000)}\n\n--${"b".repeat(500_000)}\n\nx`,
  ],
  ["dashes", `Subject: a\nContent-Type: multipart/mixed; boundary=b\n\n${"--\n".repeat(500_000)}`],
  ["equals signs", `Subject: a\nContent-Transfer-Encoding: quoted-printable\n\n${"=".repeat(1_000_000)}`],
  ["spaces", `Subject: a\nContent-Transfer-Encoding: quoted-printable\n\n${" ".repeat(1_000_000)}`],
  ["line ends", `Subject: a\nContent-Type: text/plain; format=flowed\n\n${"\n".repeat(1_000_000)}`],
])("a mail of %s takes no time that grows faster than it", async (_, content) => {
  const startedMs = performance.now();
  const { item } = await read(content, 16 * BYTES_MAX);
  expect(performance.now() - startedMs).toBeLessThan(5_000);
  expect((item.text ?? "").length).toBeLessThanOrEqual(8_000);
});
