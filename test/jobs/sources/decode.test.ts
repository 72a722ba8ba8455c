import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeText } from "../../../src/jobs/sources/decode.ts";

/** Cyrillic as windows-1251 has it: А to я stand in one row. */
const cyrillic = (text: string) =>
  Buffer.from(
    Array.from(text, (letter) =>
      letter >= "А" && letter <= "я" ? letter.charCodeAt(0) - 0x410 + 0xc0 : letter.charCodeAt(0),
    ),
  );
const utf32 = (text: string, isLittleEndian: boolean) => {
  const points = Array.from(text, (character) => character.codePointAt(0) ?? 0);
  const view = new DataView(new ArrayBuffer(4 * points.length));
  for (const [index, point] of points.entries()) view.setUint32(4 * index, point, isLittleEndian);
  return new Uint8Array(view.buffer);
};
const utf16be = (text: string) => Buffer.from(text, "utf16le").swap16();
const latin1 = (text: string) => Buffer.from(text, "latin1");
const xml = (encoding: string, text: string) => `<?xml version="1.0" encoding="${encoding}"?><a>${text}</a>`;
const RUSSIAN = "Утренняя сводка новостей";

test("a byte order mark decides against everything else", () => {
  expect(decodeText(Buffer.from(`\ufeff${xml("windows-1251", "Мир")}`), "koi8-r")).toBe(
    xml("windows-1251", "Мир"),
  );
  expect(decodeText(utf16be(`\ufeff${RUSSIAN}`), "utf-8")).toBe(RUSSIAN);
  expect(decodeText(Buffer.from(`\ufeff${RUSSIAN}`, "utf16le"), "utf-8")).toBe(RUSSIAN);
  expect(decodeText(utf32(`\ufeff${RUSSIAN}`, true))).toBe(RUSSIAN);
  expect(decodeText(utf32(`\ufeff${RUSSIAN}`, false))).toBe(RUSSIAN);
  expect(decodeText(Buffer.concat([Buffer.from("\ufeffé"), Buffer.of(0xff)]))).toBe("é\ufffd");
});

test("UTF-16 and UTF-32 are known without a mark, by their zeros, whatever the document says", () => {
  const text = xml("utf-8", RUSSIAN);
  for (const bytes of [utf16be(text), Buffer.from(text, "utf16le"), utf32(text, true), utf32(text, false)])
    expect(decodeText(bytes, "windows-1252")).toBe(text);
  expect(decodeText(Buffer.from(xml("utf-16", RUSSIAN)))).toBe(xml("utf-16", RUSSIAN));
});

test("the charset of the Content-Type comes before the declaration, and the declaration before a guess", () => {
  expect(decodeText(cyrillic(RUSSIAN), "windows-1251")).toBe(RUSSIAN);
  expect(decodeText(cyrillic(xml("koi8-r", "Мир")), "windows-1251")).toBe(xml("koi8-r", "Мир"));
  expect(decodeText(cyrillic(xml("Windows-1251", "Я")))).toBe(xml("Windows-1251", "Я"));
  expect(decodeText(cyrillic('<html><head><meta charset="cp1251"><title>Я'))).toContain("<title>Я");
  const http = '<meta http-equiv="Content-Type" content="text/html; charset=windows-1251">Я';
  expect(decodeText(cyrillic(http))).toBe(http);
});

test("a declaration counts behind a server's warning too", () => {
  const text = `Warning: undefined index\n${xml("windows-1251", "Я")}`;
  expect(decodeText(cyrillic(text))).toBe(text);
});

describe("a name that the bytes contradict", () => {
  test("windows-1251 that says UTF-8, in the header and in the document", () => {
    expect(decodeText(cyrillic(xml("UTF-8", RUSSIAN)), "utf-8")).toBe(xml("UTF-8", RUSSIAN));
  });
  test("UTF-8 that says windows-1251, ISO-8859-1 or US-ASCII", () => {
    for (const name of ["windows-1251", "iso-8859-1", "us-ascii"]) {
      expect(decodeText(Buffer.from(xml(name, RUSSIAN)))).toBe(xml(name, RUSSIAN));
      expect(decodeText(Buffer.from("Grüße"), name)).toBe("Grüße");
    }
  });
  test("Latin-1 that says UTF-8", () => {
    expect(decodeText(latin1(xml("utf-8", "Gr\xfc\xdfe \x93zitiert\x94")))).toBe(
      xml("utf-8", "Grüße “zitiert”"),
    );
  });
  test.each([["Shift_JIS", "8dc5905682cc836a8385815b835882c682a8926d82e782b9", "最新のニュースとお知らせ"]])(
    "%s that says nothing, by its words alone",
    (_name, hex, text) => {
      const bytes = Buffer.concat([latin1("<title>news "), Buffer.from(hex, "hex"), latin1("</title>")]);
      expect(decodeText(bytes)).toBe(`<title>news ${text}</title>`);
    },
  );
  test("one that nobody knows", () => {
    expect(decodeText(Buffer.from(xml("x-none", "Grüße")), "bogus")).toBe(xml("x-none", "Grüße"));
    expect(decodeText(latin1("caf\xe9"), "bogus")).toBe("café");
  });
  test("a header that is wrong leaves the word to the document", () => {
    expect(decodeText(cyrillic(xml("windows-1251", "Я")), "utf-8")).toBe(xml("windows-1251", "Я"));
  });
});

test("a short text of a double-byte encoding that is valid UTF-8 by accident is what it says", () => {
  // Two Chinese characters in GBK, of bytes that UTF-8 would read as two letters of two bytes each.
  expect(decodeText(Buffer.of(0xc4, 0xa3, 0xca, 0xbd), "gb2312")).toBe("模式");
  expect(decodeText(Buffer.from("模式"), "gb2312")).toBe("模式");
  expect(decodeText(Buffer.from("\x1b$B8=:_\x1b(B", "latin1"), "ISO-2022-JP")).toBe("現在");
});

test.each([
  ["cp1251", "windows-1251"],
  ["CP_1251", "windows-1251"],
  ["win-1251", "windows-1251"],
])("knows %s", (name) => {
  expect(decodeText(cyrillic("Я"), name)).toBe("Я");
});

test("one broken character does not change the encoding of a text", () => {
  const bytes = Buffer.concat([Buffer.from(RUSSIAN), Buffer.of(0xd0)]);
  expect(decodeText(bytes, "utf-8")).toBe(`${RUSSIAN}\ufffd`);
});

test("code points of windows-1252 become the characters that were meant", () => {
  expect(decodeText(Buffer.from("don\u0092t \u0085"))).toBe("don’t …");
});

test("gives text for any bytes, in a time that grows with their number alone", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.option(fc.string({ maxLength: 20 })), (bytes, name) => {
      expect(decodeText(bytes, name).length).toBeLessThanOrEqual(bytes.length);
    }),
  );
  for (const piece of ["<?xml ", "<meta ", "a", "\xe9", "\xe9 ", "\x80", "é"])
    expect(decodeText(latin1(piece.repeat((4 * 1024 * 1024) / piece.length))).length).toBeGreaterThan(0);
});
