import { describe, expect, test } from "vitest";
import { isPathAllowed, parseRobots } from "../../src/egress/robots.ts";

/** Lines of a file, an agent, and which paths it may (+) and may not (-) fetch. */
function expectPaths(text: string | string[], agent: string, paths: string[]): void {
  const rules = parseRobots(typeof text === "string" ? text : text.join("\n"), agent);
  const found = paths.map((path) => `${isPathAllowed(rules, path.slice(1)) ? "+" : "-"}${path.slice(1)}`);
  expect(found).toEqual(paths);
}

describe("groups", () => {
  test("allows everything when there are no rules", () => {
    for (const text of [
      "",
      "\n\n",
      "# nothing",
      "<html><body>Not found: sorry</body></html>",
      "Disallow: /",
    ]) {
      expectPaths(text, "afk", ["+/", "+/a?b"]);
    }
  });

  test("ignores rules before the first user-agent line", () => {
    expectPaths(["disallow: /a", "user-agent: afk", "disallow: /b"], "afk", ["+/a", "-/b"]);
  });

  test("matches the product token whatever its case", () => {
    for (const agent of ["afk", "AFK", "Afk"]) expectPaths(["USER-AGENT: aFk", "DISALLOW: /"], agent, ["-/"]);
  });

  test("reads a product token up to the first character that cannot be in one", () => {
    for (const line of ["afk/1.0", "afk bot", "AFK  Bar", "afk\tx", "afk;x", "afk # me"]) {
      expectPaths([`User-agent: ${line}`, "Disallow: /"], "afk", ["-/"]);
    }
    expectPaths(["User-agent: FOO BAR", "Disallow: /"], "Foo", ["-/x"]);
  });

  test("does not take a longer or shorter token for its own", () => {
    for (const line of ["afk-news", "afk_x", "afk2", "afkbot", "af", "bot afk", "afk-", "mafk"]) {
      expectPaths([`User-agent: ${line}`, "Disallow: /"], "afk", ["+/"]);
    }
  });

  test("prefers its own groups to those for everyone, wherever they stand", () => {
    const own = ["user-agent: afk", "disallow: /own"];
    const everyone = ["user-agent: *", "disallow: /every"];
    expectPaths([...own, ...everyone], "afk", ["-/own", "+/every"]);
    expectPaths([...everyone, ...own], "afk", ["-/own", "+/every"]);
    expectPaths([...everyone, ...own], "other", ["+/own", "-/every"]);
  });

  test("is allowed everything by an empty group of its own", () => {
    expectPaths(["user-agent: *", "disallow: /", "user-agent: afk"], "afk", ["+/"]);
    expectPaths(["user-agent: *", "disallow: /", "user-agent: afk", "disallow:"], "afk", ["+/"]);
  });

  test("merges all groups that name it, and all that name everyone", () => {
    const text = [
      "user-agent: afk",
      "disallow: /a",
      "user-agent: b",
      "disallow: /b",
      "user-agent: afk",
      "disallow: /c",
    ];
    expectPaths(text, "afk", ["-/a", "+/b", "-/c"]);
    expectPaths(["user-agent: *", "disallow: /a", "user-agent: *", "disallow: /b"], "afk", ["-/a", "-/b"]);
  });

  test("gives one set of rules to several user-agent lines in a row", () => {
    const text = [
      "user-agent: x",
      "",
      "# and",
      "user-agent: afk",
      "user-agent: *",
      "disallow: /a",
      "allow: /a/b",
    ];
    for (const agent of ["x", "afk", "zzz"]) expectPaths(text, agent, ["-/a", "+/a/b", "+/c"]);
  });

  test("ends a group at a user-agent line that follows a rule, and not at a blank line", () => {
    expectPaths(["user-agent: x", "disallow: /a", "user-agent: y", "disallow: /b"], "x", ["-/a", "+/b"]);
    expectPaths(["user-agent: x", "disallow: /a", "", "", "disallow: /b"], "x", ["-/a", "-/b"]);
  });

  test("lets lines it does not know end no group", () => {
    const text = [
      "user-agent: x",
      "sitemap: https://e.test/s.xml",
      "crawl-delay: 3",
      "user-agent: y",
      "foo: bar",
      "disallow: /a",
    ];
    for (const agent of ["x", "y"]) expectPaths(text, agent, ["-/a", "+/b"]);
  });

  test("takes a star with more behind it for no wildcard", () => {
    expectPaths(["user-agent: *bot", "disallow: /"], "afk", ["+/"]);
    expectPaths(["user-agent: * # all", "disallow: /"], "afk", ["-/"]);
  });
});

describe("lines", () => {
  test.each([
    ["LF", "\n"],
    ["CRLF", "\r\n"],
    ["CR", "\r"],
  ])("are split at %s", (_name, end) => {
    expectPaths(["user-agent: afk", "disallow: /a", "", "disallow: /b"].join(end), "afk", [
      "-/a",
      "-/b",
      "+/c",
    ]);
  });

  test("may start with a byte order mark", () => {
    expectPaths("\uFEFFuser-agent: afk\ndisallow: /", "afk", ["-/"]);
  });

  test("may have spaces and tabs around names and values, and comments", () => {
    expectPaths(["  User-Agent :\t afk  # us", "\tdisallow\t:  /a  ", "disallow: /b#c"], "afk", [
      "-/a",
      "-/b",
      "+/c",
    ]);
  });

  test("may lack the colon when there are just two words", () => {
    expectPaths(["user-agent afk", "disallow /"], "afk", ["-/"]);
    expectPaths(["user-agent: afk", "disallow / and more"], "afk", ["+/"]);
  });

  test("keep the colons of their value", () => {
    expectPaths(["user-agent: afk", "disallow: /a:b"], "afk", ["-/a:b", "+/a"]);
  });

  test("may be garbage", () => {
    const garbage = ["\u0000\u0001", ":::", ": /", "disallow", "user-agent", "=".repeat(10_000)];
    expectPaths([...garbage, "user-agent: afk", ...garbage, "disallow: /a"], "afk", ["-/a", "+/b"]);
  });
});

describe("paths", () => {
  const group = (...rules: string[]) => ["user-agent: afk", ...rules];

  test("are matched from the start and case-sensitively", () => {
    const text = group("disallow: /fish");
    expectPaths(text, "afk", [
      "-/fish",
      "-/fish.html",
      "-/fish/salmon",
      "-/fishheads?x",
      "+/Fish",
      "+/catfish",
      "+/?id=fish",
      "+/",
    ]);
    expectPaths(group("disallow: /fish/"), "afk", [
      "-/fish/",
      "-/fish/?id=1",
      "-/fish/a",
      "+/fish",
      "+/fish.html",
    ]);
    expectPaths(group("disallow: fish"), "afk", ["+/fish"]);
  });

  test("are decided by the longest match, whatever the order", () => {
    for (const rules of [
      ["disallow: /", "allow: /x/"],
      ["allow: /x/", "disallow: /"],
    ]) {
      expectPaths(group(...rules), "afk", ["+/x/a", "-/x", "-/y"]);
    }
    expectPaths(group("allow: /page", "disallow: /*.html"), "afk", ["-/page.html", "+/page"]);
    expectPaths(group("allow: /x/page.", "disallow: /*.html"), "afk", ["+/x/page.html", "-/x/y.html"]);
    expectPaths(group("disallow: /a/b/c", "allow: /a/b", "disallow: /a"), "afk", [
      "-/a",
      "+/a/b",
      "-/a/b/c",
      "+/z",
    ]);
  });

  test("are allowed when an allow and a disallow match equally", () => {
    for (const rules of [
      ["disallow: /a", "allow: /a"],
      ["allow: /a", "disallow: /a"],
      ["disallow: /*b", "allow: /ab"],
    ]) {
      expectPaths(group(...rules), "afk", ["+/ab"]);
    }
  });

  test("are not matched by an empty pattern", () => {
    expectPaths(group("disallow:", "allow:"), "afk", ["+/a"]);
    expectPaths(group("disallow: /", "allow:"), "afk", ["-/a"]);
  });

  test("may be anything where the pattern has a star", () => {
    expectPaths(group("disallow: /fish*"), "afk", ["-/fish", "-/fishheads", "+/Fish"]);
    expectPaths(group("disallow: /*.php"), "afk", [
      "-/a.php",
      "-/b/a.php?x",
      "-/i?f=a.php/",
      "+/php/",
      "+/a.PHP",
    ]);
    expectPaths(group("disallow: /a*b*c"), "afk", ["-/abc", "-/a1b2c3", "+/acb", "+/ab"]);
    expectPaths(group("disallow: /a**b"), "afk", ["-/ab", "-/axb"]);
    expectPaths(group("disallow: *"), "afk", ["-/", "-/a"]);
    expectPaths(group("disallow: */private"), "afk", ["-/private", "-/a/private", "+/a"]);
  });

  test("must end where the pattern has a dollar at its end", () => {
    expectPaths(group("disallow: /a$"), "afk", ["-/a", "+/a/", "+/a?x", "+/ab"]);
    expectPaths(group("disallow: /*.php$"), "afk", [
      "-/a.php",
      "-/a.php.php",
      "+/a.php?x",
      "+/a.php/",
      "+/a.php5",
    ]);
    expectPaths(group("allow: /$", "disallow: /"), "afk", ["+/", "-/a"]);
    expectPaths(group("disallow: /ab*b$"), "afk", ["+/ab", "-/abb", "-/abxb"]);
    expectPaths(group("disallow: /a*$"), "afk", ["-/a", "-/abc"]);
  });

  test("have dollars that are just dollars anywhere else", () => {
    expectPaths(group("disallow: /a$b"), "afk", ["-/a$b", "-/a%24b", "+/a"]);
    expectPaths(group("disallow: /a%24"), "afk", ["-/a$", "-/a$b", "+/a"]);
    expectPaths(group("disallow: /a$$"), "afk", ["-/a$", "+/a$b"]);
  });

  test("have stars of their own, which a pattern names as %2A", () => {
    expectPaths(group("disallow: /a-%2A.html"), "afk", ["-/a-*.html", "-/a-%2a.html", "+/a-b.html"]);
  });

  test("are compared in one spelling of percent-encoding", () => {
    expectPaths(group("disallow: /b/ツ"), "afk", ["-/b/%E3%83%84", "-/b/%e3%83%84", "-/b/ツ", "+/b/"]);
    expectPaths(group("disallow: /b/%e3%83%84"), "afk", ["-/b/%E3%83%84", "-/b/ツ"]);
    expectPaths(group("disallow: /b/%62%61%7A"), "afk", ["-/b/baz", "-/b/%62%61%7a", "+/b/ba"]);
    expectPaths(group("disallow: /b/😀"), "afk", ["-/b/%F0%9F%98%80"]);
    expectPaths(group("disallow: /a b"), "afk", ["+/a", "-/a%20b"]);
    expectPaths(group("disallow: /c%20d", 'disallow: /q"'), "afk", ["-/c%20d", "-/c d", "-/q%22"]);
    expectPaths(group("disallow: /100%"), "afk", ["-/100%", "+/100"]);
  });

  test("keep an encoded slash apart from a slash, but not in a query", () => {
    expectPaths(group("disallow: /a%2Fb"), "afk", ["-/a%2fb", "+/a/b"]);
    expectPaths(group("disallow: /a/b"), "afk", ["+/a%2Fb"]);
    expectPaths(group("disallow: /f?u=https://x.test"), "afk", [
      "-/f?u=https://x.test",
      "-/f?u=https%3A%2F%2Fx.test",
    ]);
    expectPaths(group("disallow: /f?u=https%3a%2f%2fx.test"), "afk", ["-/f?u=https://x.test"]);
    expectPaths(group("disallow: /f?a%26b"), "afk", ["+/f?a&b", "-/f?a%26b"]);
  });

  test("of robots.txt itself are always allowed", () => {
    expectPaths(group("disallow: /"), "afk", ["+/robots.txt", "-/robots.txt.bak", "-/a/robots.txt"]);
  });

  test("take no time to speak of with a pattern made to take long", () => {
    const pattern = `/${"a*".repeat(5_000)}b`;
    expectPaths(group(`disallow: ${pattern}`), "afk", [`+/${"a".repeat(20_000)}`]);
  });
});

describe("crawl-delay", () => {
  const delay = (...lines: string[]) => parseRobots(lines.join("\n"), "afk").crawlDelayMs;

  test("is read from the group that applies", () => {
    expect(delay("user-agent: *", "crawl-delay: 2.5")).toBe(2500);
    expect(delay("user-agent: *", "crawl-delay: 2", "disallow: /a", "user-agent: afk", "disallow: /b")).toBe(
      null,
    );
    expect(delay("user-agent: afk", "disallow: /a", "Crawl-Delay: 7")).toBe(7000);
  });

  test("is nothing when it is no number", () => {
    for (const value of ["", "soon", "-1", "1e9", "Infinity", "0x10"]) {
      expect(delay("user-agent: *", `crawl-delay: ${value}`)).toBe(null);
    }
  });
});
