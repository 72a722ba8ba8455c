import { describe, expect, test } from "vitest";
import { checkAccess } from "../../src/dashboard/access.ts";

const TOKEN = "a-long-enough-token-0123";
const LOOPBACK = { bind: "127.0.0.1", hosts: [], token: null };
const OPEN = { bind: "0.0.0.0", hosts: ["vm.example.org", "*.tail.example.org"], token: TOKEN };
const at = (path = "/") => new URL(`http://page${path}`);

function outcome(
  headers: Record<string, string>,
  rules: Parameters<typeof checkAccess>[2] = LOOPBACK,
  path = "/",
) {
  const access = checkAccess(headers, at(path), rules);
  return access.type === "refused" ? access.status : access.type;
}

describe("the name that was asked for", () => {
  test.each([
    "localhost",
    "localhost:4235",
    "LOCALHOST:1",
    "127.0.0.1:4235",
    "127.8.8.8",
    "[::1]:4235",
    "[::1]",
  ])("%s is ours on a loopback address", (host) => {
    expect(outcome({ host })).toBe("granted");
  });

  test.each([
    "evil.example.org",
    "evil.example.org:4235",
    "localhost.evil.example.org",
    "127.0.0.1.evil.example.org",
    "127.0.0.1@evil.example.org",
    "localhost:4235@evil.example.org",
    "10.0.0.7:4235",
    "[fe80::1]",
    "",
    " ",
    "localhost/",
    "localhost:99999999",
    "0x7f.example",
  ])("%s is not", (host) => {
    expect(outcome({ host })).toBe(403);
  });

  test("a request without one is refused", () => {
    expect(outcome({})).toBe(403);
  });

  test.each(["10.0.0.7:4235", "[2001:db8::1]", "vm.example.org", "a.tail.example.org:80"])(
    "%s is ours where the page is served to others",
    (host) => {
      expect(outcome({ host, authorization: `Bearer ${TOKEN}` }, OPEN)).toBe("granted");
    },
  );

  test("a name that is not listed is refused there too, token or not", () => {
    expect(outcome({ host: "evil.example.org", authorization: `Bearer ${TOKEN}` }, OPEN)).toBe(403);
  });
});

describe("who asks", () => {
  const host = "127.0.0.1:4235";

  test("the page itself may, with its origin", () => {
    expect(outcome({ host, origin: "http://127.0.0.1:4235", "sec-fetch-site": "same-origin" })).toBe(
      "granted",
    );
  });

  test.each([
    "http://evil.example.org",
    "null",
    "http://127.0.0.1:8080",
    "file://",
    "http://127.0.0.1:4235.evil.org",
  ])("a page of %s may not", (origin) => {
    expect(outcome({ host, origin })).toBe(403);
  });

  test.each(["cross-site", "same-site"])("a picture or script of a %s page is refused", (site) => {
    const headers = { host, "sec-fetch-site": site, "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image" };
    expect(outcome(headers)).toBe(403);
    expect(outcome({ ...headers, "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe" })).toBe(403);
  });

  test("a link of another page may lead here", () => {
    const headers = {
      host,
      "sec-fetch-site": "cross-site",
      "sec-fetch-mode": "navigate",
      "sec-fetch-dest": "document",
    };
    expect(outcome(headers)).toBe("granted");
  });
});

describe("the token", () => {
  const host = "vm.example.org";

  test.each([
    {},
    { authorization: "Bearer" },
    { authorization: "Bearer wrong" },
    { authorization: `Bearer ${TOKEN}x` },
    { authorization: `Bearer ${TOKEN.slice(1)}` },
    { authorization: `Basic ${TOKEN}` },
    { authorization: TOKEN },
    { cookie: `afk_dashboard=${TOKEN}` },
    { cookie: "afk_dashboard=" },
    { cookie: "other=1" },
  ])("is asked for: %o", (headers) => {
    expect(outcome({ host, ...headers } as Record<string, string>, OPEN)).toBe(401);
  });

  test("in the address gives a cookie, and an address without it", () => {
    const access = checkAccess({ host }, at(`/healthz?a=1&token=${TOKEN}`), OPEN);
    expect(access).toMatchObject({ type: "login", location: "/healthz?a=1" });
    if (access.type !== "login") return;
    expect(access.cookie).toMatch(/^afk_dashboard=[\w-]{43}; Max-Age=\d+; Path=\/; HttpOnly; SameSite=Lax$/);
    expect(access.cookie).not.toContain(TOKEN);
    const cookie = `a=b; ${access.cookie.split(";")[0]}; c=d`;
    expect(outcome({ host, cookie }, OPEN)).toBe("granted");
    expect(outcome({ host, cookie }, { ...OPEN, token: "another-long-enough-token" })).toBe(401);
  });

  test("in the address, when wrong, gives neither", () => {
    expect(outcome({ host }, OPEN, "/?token=wrong")).toBe(401);
    expect(outcome({ host }, OPEN, "/?token=")).toBe(401);
  });

  test("is asked for on a loopback address too where there is one", () => {
    expect(outcome({ host: "localhost" }, { ...LOOPBACK, token: TOKEN })).toBe(401);
  });
});
