// @module-tag processes
import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { expect, test } from "vitest";
import { collectFolder } from "../../../../src/jobs/sources/folder/folder.ts";
import { tempDir } from "../../../support/temp.ts";

const signal = new AbortController().signal;

function collect(files: Record<string, string | Buffer>, folder = tempDir()) {
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  return collectFolder({ folder }, { base: "/nowhere", signal });
}

test("reads notes: the first line is the title, the name or the file gives the date", async () => {
  const folder = tempDir();
  writeFileSync(join(folder, "undated.txt"), "Title\r\n\r\nBody 世界\r\n");
  utimesSync(join(folder, "undated.txt"), new Date(5000), new Date(5000));
  const { items } = await collect(
    {
      "2026-11-03-a.md": "---\ntags: [x]\n---\n# Heading *x*\n\nText.",
      "2026-11-01-b.TXT": "One line only",
      "c.pdf": "%PDF",
      ".d.txt": "hidden",
    },
    folder,
  );
  expect(items).toMatchObject([
    { title: "Heading *x*", text: "Text.", publishedAt: Date.UTC(2026, 10, 3), link: null },
    { title: "One line only", text: "One line only", publishedAt: Date.UTC(2026, 10, 1) },
    { title: "Title", text: "Body 世界", publishedAt: 5000 },
  ]);
});

test("reads mail: multipart, quoted-printable, a charset other than UTF-8", async () => {
  const eml = [
    "Subject: =?ISO-8859-1?Q?Gr=FC=DFe?=",
    "Date: Tue, 03 Nov 2026 08:00:00 +0100",
    "Message-ID: <1@example.org>",
    'Content-Type: multipart/alternative; boundary="b"',
    "",
    "--b",
    "Content-Type: text/plain; charset=ISO-8859-1",
    "Content-Transfer-Encoding: quoted-printable",
    "",
    "Sch=F6ne Gr=FC=",
    "=DFe",
    "--b",
    "Content-Type: text/html; charset=utf-8",
    "",
    "<p>other</p>",
    "--b--",
    "",
  ].join("\r\n");
  const { items } = await collect({ "a.eml": eml });
  expect(items).toMatchObject([
    { title: "Grüße", text: "Schöne Grüße", publishedAt: Date.UTC(2026, 10, 3, 7) },
  ]);
});

test("reads 8-bit mail in Shift_JIS and mail that is HTML only", async () => {
  const japanese = Buffer.concat([
    Buffer.from("Subject: a\nMessage-ID: <2@example.org>\nContent-Type: text/plain; charset=Shift_JIS\n\n"),
    Buffer.from([0x93, 0xfa, 0x96, 0x7b]),
  ]);
  const html =
    "Subject: b\nMessage-ID: <3@example.org>\nContent-Type: text/html\n\n<p>Hi</p><script>alert(1)</script><p>you</p>";
  const { items } = await collect({ "a.eml": japanese, "b.eml": html });
  expect(items.map((item) => item.text).toSorted()).toEqual(["Hi\n\nyou", "日本"]);
});

test("a mail is known by its sender, unless the owner named the source", async () => {
  const folder = tempDir();
  const mail = "From: Ann <ann@example.org>\nSubject: a\nMessage-ID: <6@example.org>\n\nx";
  expect(
    (await collect({ "a.eml": mail, "b.md": "# b" }, folder)).items.map(({ source }) => source).toSorted(),
  ).toEqual(["Ann", basename(folder)].toSorted());
  const named = await collectFolder({ folder, name: "Inbox" }, { base: "/nowhere", signal });
  expect(named.items.map(({ source }) => source)).toEqual(["Inbox", "Inbox"]);
});

test("a large attachment behind the text does no harm", async () => {
  const head = 'Subject: a\nMessage-ID: <4@example.org>\nContent-Type: multipart/mixed; boundary="b"\n\n';
  const attachment = `--b\nContent-Type: application/octet-stream\n\n${"A".repeat(76)}\n`.repeat(6_000);
  const { items } = await collect({
    "a.eml": `${head}--b\nContent-Type: text/plain\n\nHello\n${attachment}--b--\n`,
  });
  expect(items).toMatchObject([{ title: "a", text: "Hello" }]);
});

test("the same message in two files is one item, and its key outlives a move", async () => {
  const mail = "Subject: a\nMessage-ID: <1@example.org>\n\nx";
  const [first, second] = [await collect({ "a.eml": mail }), await collect({ "b.eml": mail })];
  expect(first.items[0]!.key).toBe(second.items[0]!.key);
});

test("a note that changes is new, one that only moved with its folder is not", async () => {
  const key = async (text: string) => (await collect({ "a.txt": text })).items[0]!.key;
  expect(await key("same\ntext")).toBe(await key("same\ntext"));
  expect(await key("same\ntext")).not.toBe(await key("same\nother"));
});

const MBOX = `From a@example.org Tue Nov  3 08:00:00 2026
Subject: one
Message-ID: <1@example.org>

Text.

From here on it is a paragraph, not a message.
From b@example.org Tue Nov  3 08:00:00 2026 is in the middle of one, too.

>From is quoted once
>>From is quoted twice

From - Wed Nov 04 09:30 2026 +0100
Subject: two
Message-ID: <2@example.org>

More.
`;

test("reads the messages of an mbox file, bytes as they are", async () => {
  const latin1 = Buffer.from(
    MBOX.replace("More.", "Gr\xFC\xDFe").replace(
      "Subject: two",
      "Subject: two\nContent-Type: text/plain; charset=ISO-8859-1",
    ),
    "latin1",
  );
  const { items, notes } = await collect({ "box.mbox": latin1 });
  expect(items.find((item) => item.title === "two")!.text).toBe("Grüße");
  expect(items).toHaveLength(2);
  expect(notes).toEqual([]);
});

test("skips links, pipes, folders and files that are not what they say, with a note each", async () => {
  const [folder, elsewhere] = [tempDir(), tempDir()];
  writeFileSync(join(elsewhere, "secret.txt"), "secret");
  symlinkSync(join(elsewhere, "secret.txt"), join(folder, "link.txt"));
  mkdirSync(join(folder, "sub.md"));
  execFileSync("mkfifo", [join(folder, "pipe.txt")]);
  const { items, notes } = await collect(
    { "box.mbox": "not an mbox", "empty.eml": "", "good.txt": "good" },
    folder,
  );
  expect(items).toMatchObject([{ title: "good" }]);
  expect(notes.toSorted()).toEqual([
    expect.stringContaining("box.mbox: it does not begin with a `From ` line"),
    expect.stringContaining("empty.eml: it has no mail headers"),
    expect.stringContaining("link.txt: it is a symbolic link"),
    expect.stringContaining("pipe.txt: it is not a file"),
    expect.stringContaining("sub.md: it is not a file"),
  ]);
});

test("one bad message does not take the mbox with it", async () => {
  const { items, notes } = await collect({
    "box.mbox": `${MBOX}\nFrom c Tue Nov  3 08:00:00 2026\nno headers`,
  });
  expect(items.map((item) => item.title).toSorted()).toEqual(["one", "two"]);
  expect(notes).toEqual(["left out a message of box.mbox: it has no mail headers"]);
});

test("reads the newest 200 files and says so", async () => {
  const folder = tempDir();
  for (let n = 0; n < 205; n++) {
    writeFileSync(join(folder, `${n}.txt`), `note ${n}`);
    utimesSync(join(folder, `${n}.txt`), new Date(n * 1000), new Date(n * 1000));
  }
  const { items, notes } = await collect({}, folder);
  expect(items).toHaveLength(200);
  expect(items.at(-1)!.title).toBe("note 5");
  expect(notes).toEqual(["only the newest 200 of 205 files were read"]);
});

test("takes as many files and bytes as the source says", async () => {
  const folder = tempDir();
  for (const name of ["a", "b", "c"])
    writeFileSync(join(folder, `${name}.md`), `# ${name}\n\n${"word\n".repeat(1_000)}`);
  const source = { folder, max_items: 2, max_bytes: 1024 };
  const { items, notes } = await collectFolder(source, { base: "/nowhere", signal });
  expect(items).toHaveLength(2);
  expect(items[0]!.text.length).toBeLessThan(1024);
  expect(notes).toEqual([
    "only the newest 2 of 3 files were read",
    expect.stringMatching(
      /^only the first 1024 bytes of 2 files were read: \w\.md, \w\.md \(max_bytes can be raised\)$/,
    ),
  ]);
});

test("reads the text of a mail behind its photo, and says what of a larger one was not read", async () => {
  const photo = `--b\nContent-Type: image/jpeg\nContent-Transfer-Encoding: base64\n\n${`${"A".repeat(76)}\n`.repeat(40_000)}`;
  const head = 'Subject: a\nMessage-ID: <5@example.org>\nContent-Type: multipart/mixed; boundary="b"\n\n';
  const mail = `${head}${photo}--b\nContent-Type: text/plain\n\nBehind.\n--b--\n`;
  const { items, notes } = await collect({ "a.eml": mail });
  expect([items[0]!.text, notes]).toEqual(["Behind.", []]);
  const folder = tempDir();
  writeFileSync(join(folder, "a.eml"), mail);
  const bounded = await collectFolder({ folder, max_bytes: 1_000_000 }, { base: "/nowhere", signal });
  expect(bounded.items).toMatchObject([{ title: "a", text: "" }]);
  expect(bounded.notes).toEqual([
    "only the first 1000000 bytes of 1 file were read: a.eml (max_bytes can be raised)",
  ]);
});

test("a folder that is missing is a failure of the source", async () => {
  await expect(collectFolder({ folder: "none" }, { base: tempDir(), signal })).rejects.toThrow(
    expect.objectContaining({
      code: "source_unreadable",
      message: expect.stringContaining("there is no such file or folder"),
    }),
  );
});
