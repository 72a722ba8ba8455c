import { describe, expect, test } from "vitest";
import { isAllowed, normalizeHost } from "../../src/egress/allowlist.ts";

const ALLOW = ["example.org", "*.github.com", "bücher.example", "192.0.2.7", "::1", "UPPER.example."];

describe("isAllowed", () => {
  test.each([
    "example.org",
    "EXAMPLE.org",
    "example.org.",
    "api.github.com",
    "a.b.github.com",
    "API.GitHub.COM.",
    "xn--bcher-kva.example",
    "BÜCHER.example",
    "192.0.2.7",
    "3221225991",
    "0xc0.0.2.7",
    "[::1]",
    "0:0:0:0:0:0:0:1",
    "upper.example",
  ])("lets %s through", (host) => {
    expect(isAllowed(host, ALLOW)).toBe(true);
  });

  test.each([
    "",
    ".",
    "github.com",
    ".github.com",
    "..github.com",
    "evilgithub.com",
    "github.com.evil.test",
    "sub.example.org",
    "example.org.evil.test",
    "example.org..",
    "example.org:8080",
    "example.org/path",
    "example.org@evil.test",
    "evil.test#example.org",
    "exam\tple.org",
    "example.org\n",
    "*.github.com",
    "192.0.2.8",
    "[::2]",
    "example.or%67",
  ])("refuses %j", (host) => {
    expect(isAllowed(host, ALLOW)).toBe(false);
  });

  test("refuses everything when nothing is allowed", () => {
    expect(isAllowed("example.org", [])).toBe(false);
  });

  test("takes no bare star and no star inside a name for a wildcard", () => {
    expect(isAllowed("example.org", ["*", "*.", "ex*.org", "*"])).toBe(false);
  });

  test("matches no address by a wildcard", () => {
    expect(isAllowed("10.0.0.1", ["*.0.0.1", "*.1"])).toBe(false);
  });
});

describe("normalizeHost", () => {
  test("gives every spelling of a host the same form", () => {
    expect(["Example.ORG.", "example.org"].map(normalizeHost)).toEqual(["example.org", "example.org"]);
    expect(["127.1", "0x7f000001", "017700000001", "2130706433"].map(normalizeHost)).toEqual(
      Array(4).fill("127.0.0.1"),
    );
  });

  test("gives null for what is not a bare host", () => {
    for (const text of ["", "a b", "a:1", "user@a", "a/b", "[::1", "[not-an-address]", "*.a"]) {
      expect([text, normalizeHost(text)]).toEqual([text, null]);
    }
  });
});
