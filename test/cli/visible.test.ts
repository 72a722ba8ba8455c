import stringWidth from "string-width";
import { describe, expect, test } from "vitest";
import { wrapVisible } from "../../src/cli/draft-lines.ts";
import { escapeUnseen, visible, withoutHidden } from "../../src/lib/visible.ts";

describe("foreign text", () => {
  test.each([
    ["an escape sequence", "a\u001b[2Jb", "a<U+001B>[2Jb"],
    ["a carriage return", "a\rb", "a<U+000D>b"],
    ["a line break", "a\nb", "a<U+000A>b"],
    ["a tab", "a\tb", "a<U+0009>b"],
    ["a backspace", "a\bb", "a<U+0008>b"],
    ["a C1 control sequence", "a\u009b31mb", "a<U+009B>31mb"],
    ["a line separator", "a\u2028b\u2029", "a<U+2028>b<U+2029>"],
    ["a turn of direction", "a\u202eb\u2066", "a<U+202E>b<U+2066>"],
    ["what has no width", "a\u200bb\u00adc\ufeff", "a<U+200B>b<U+00AD>c<U+FEFF>"],
    ["what only looks like a space", "a\u00a0b\u3000c\u3164d\u2800", "a<U+00A0>b<U+3000>c<U+3164>d<U+2800>"],
    ["tags", "a\u{e0041}b", "a<U+E0041>b"],
    ["half a character", "a\ud800b", "a<U+D800>b"],
    ["marks piled up", "a\u0300\u0301\u0302\u0303b", "a\u0300\u0301\u0302<U+0303>b"],
    ["what people write", "Grüße, 日本語 a\\b <x> 👍", "Grüße, 日本語 a\\b <x> 👍"],
  ])("shows %s", (_name, text, shown) => {
    expect(visible(text)).toBe(shown);
  });

  test("as JSON means the same, and holds nothing that a terminal acts on", () => {
    const value = { "k\u202e": ["\u001b[2J", "\u009b", "\u2028", "\n", "\u{e0041}", "\ud800", "ü 日本"] };
    const json = escapeUnseen(JSON.stringify(value, undefined, 2));
    expect(JSON.parse(json)).toEqual(value);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
    expect(json.replaceAll("\n", "")).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u202e]|[\u{e0041}]/u);
    expect(json).toContain("ü 日本");
  });

  test("that is only read is without what has no width, and emoji stay whole", () => {
    const text =
      "a\u202eb\u200bc\u00ad \u{e0041}d1\ufe0f \u{1f469}\u200d\u{1f680} \u2764\ufe0f\u200d\u{1f525} e\u200d";
    expect(withoutHidden(text)).toBe("abc d1 \u{1f469}\u200d\u{1f680} \u2764\ufe0f\u200d\u{1f525} e");
  });

  test("is cut to the columns there are, by what each character takes", () => {
    expect(wrapVisible("abcdef", 4)).toEqual(["abcd", "ef"]);
    expect(wrapVisible("to be or not", 8)).toEqual(["to be or", " not"]);
    expect(wrapVisible("a longlonglong", 8)).toEqual(["a longlo", "nglong"]);
    expect(wrapVisible("日本語", 4)).toEqual(["日本", "語"]);
    expect(wrapVisible("", 4)).toEqual([""]);
    const lines = wrapVisible("a\u001b日".repeat(1_000), 40);
    expect(Math.max(...lines.map((line) => stringWidth(line)))).toBeLessThanOrEqual(40);
    expect(lines.join("")).toBe("a<U+001B>日".repeat(1_000));
  });
});
