import stringWidth from "string-width";
import { describe, expect, test } from "vitest";
import { oneLine, paint, printJson, printLines } from "../../src/cli/output.ts";
import { type Column, clip, hang, padToWidth, tableText } from "../../src/cli/text.ts";
import { formatDuration, formatRelative } from "../../src/lib/duration-text.ts";

function sink(isTTY = false) {
  const written: string[] = [];
  return {
    isTTY,
    write: (text: string | Uint8Array) => written.push(String(text)) > 0,
    text: () => written.join(""),
  };
}

const COLUMNS: Column<{ name: string; usd: string }>[] = [
  ["NAME", (row) => row.name],
  ["USD", (row) => row.usd, "right"],
];

describe("a table", () => {
  test("is as wide as its widest cells, without trailing blanks", () => {
    const rows = [
      { name: "digest", usd: "0.10" },
      { name: "a", usd: "12.00" },
    ];
    expect(tableText(rows, COLUMNS, "none")).toEqual(["NAME      USD", "digest   0.10", "a       12.00"]);
  });

  test("stays aligned with wide characters and emoji", () => {
    const rows = [
      { name: "日報", usd: "1" },
      { name: "👩‍🚀 é", usd: "2" },
    ];
    expect(tableText(rows, COLUMNS, "none").slice(1)).toEqual(["日報    1", "👩‍🚀 é    2"]);
  });

  test("says in words that it has no rows", () => {
    expect(tableText([], COLUMNS, "nothing yet")).toEqual(["nothing yet"]);
  });

  test("keeps a cell that carries line breaks and escape sequences on one harmless line", () => {
    const rows = [{ name: "a\nb\x1b[2J\x1b]0;owned\x07c\x9b31m", usd: "1" }];
    const cells = tableText(rows, COLUMNS, "none").slice(1);
    expect(cells).toHaveLength(1);
    expect(cells[0]).not.toMatch(/\p{Cc}/u);
    expect(cells[0]).toMatch(/^a b/);
  });
});

describe("colour", () => {
  test("is used on a terminal only", () => {
    withEnvironment({ NO_COLOR: undefined, TERM: "xterm" }, () => {
      expect(paint("red", "x", sink(true))).toBe("\x1b[31mx\x1b[39m");
      expect(paint("red", "x", sink(false))).toBe("x");
    });
  });

  test.each([
    { NO_COLOR: "1", TERM: "xterm" },
    { NO_COLOR: "yes", TERM: "xterm" },
    { NO_COLOR: undefined, TERM: "dumb" },
  ])("is not used with %j", (environment) => {
    withEnvironment(environment, () => expect(paint("red", "x", sink(true))).toBe("x"));
  });

  test("is used when NO_COLOR is empty, as no-color.org has it", () => {
    withEnvironment({ NO_COLOR: "", TERM: "xterm" }, () => {
      expect(paint("bold", "x", sink(true))).not.toBe("x");
    });
  });
});

test("JSON is one document that ends its line", () => {
  const out = sink();
  printJson({ a: [1] }, out);
  expect(out.text().endsWith("}\n")).toBe(true);
  expect(JSON.parse(out.text())).toEqual({ a: [1] });
});

test("no lines print nothing", () => {
  const out = sink();
  printLines([], out);
  printLines(["a", "b"], out);
  expect(out.text()).toBe("a\nb\n");
});

test.each([
  ["", 0],
  ["abc", 3],
  ["日本", 4],
  ["한국어", 6],
  ["ｱ", 1],
  ["Ａ", 2],
  ["e\u0301", 1],
  ["👍🏽", 2],
  ["👨‍👩‍👧", 2],
  ["🇩🇪", 2],
  ["☀\ufe0f", 2],
  ["©", 1],
  ["a\u200bb", 2],
])("%j takes %i columns", (text, width) => {
  expect(stringWidth(text)).toBe(width);
});

test("padding fills on either side and never cuts", () => {
  expect(padToWidth("日", 4, "left")).toBe("日  ");
  expect(padToWidth("日", 4, "right")).toBe("  日");
  expect(padToWidth("longer", 3, "left")).toBe("longer");
});

test("text behind a head goes on below itself, in its style, and ends where it must", () => {
  expect(hang("kill  ", "off", 20, 3)).toEqual(["kill  off"]);
  expect(hang("kill  ", "stopped by afk stop", 16, 3)).toEqual(["kill  stopped by", "      afk stop"]);
  expect(hang("kill  ", "stopped by afk stop", 16, 1)).toEqual(["kill  stopped b…"]);
  expect(hang("", "日本語日本語", 6, 9)).toEqual(["日本語", "日本語"]);
  const red = hang("  ", "\u001b[31mone two\u001b[39m", 5, 2);
  expect(red).toEqual(["  \u001b[31mone\u001b[39m", "  \u001b[31mtwo\u001b[39m"]);
});

test("what is too wide is cut by the columns it takes", () => {
  expect(clip("日本語", 6)).toBe("日本語");
  expect(clip("日本語", 5)).toBe("日本…");
  expect(clip("a b c", 4)).toBe("a b…");
});

test("foreign text loses its control sequences", () => {
  expect(oneLine("  \x1b[31mred\x1b[0m\r\nnext\t!  ")).toBe("red next !");
});

test.each([
  [0, "0 ms"],
  [340, "340 ms"],
  [999.6, "1 s"],
  [12_000, "12 s"],
  [59_700, "1 min"],
  [200_000, "3 min 20 s"],
  [3_600_000, "1 h"],
  [7_500_000, "2 h 5 min"],
  [273_600_000, "3 d 4 h"],
  [-12_000, "-12 s"],
])("%d ms read %j", (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

test("instants are told from now", () => {
  expect(formatRelative(1_180_000, 1_000_000)).toBe("in 3 min");
  expect(formatRelative(1_000_000, 1_180_000)).toBe("3 min ago");
  expect(formatRelative(1_000_400, 1_000_000)).toBe("now");
});

function withEnvironment(values: Record<string, string | undefined>, run: () => void): void {
  const before = Object.fromEntries(Object.keys(values).map((name) => [name, process.env[name]]));
  const set = (to: Record<string, string | undefined>) => {
    for (const [name, value] of Object.entries(to)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  };
  set(values);
  try {
    run();
  } finally {
    set(before);
  }
}
