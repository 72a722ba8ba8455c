import { describe, expect, test } from "vitest";
import { DAY_MS, MINUTE_MS } from "../../src/lib/durations.ts";
import { contentServer } from "../support/content-server.ts";
import { rejection, testEgress, textOf } from "./harness.ts";

describe("robots.txt", () => {
  test("is asked before the first page, and again only after a day", async () => {
    const site = await contentServer({ "/robots.txt": "user-agent: afk\nallow: /", "/": "hello" });
    const { egress, clock } = await testEgress();
    const asked = () => site.requests.filter((request) => request.path === "/robots.txt").length;
    for (let i = 0; i < 3; i++) await egress.fetch(site.origin);
    expect([site.requests[0]?.path, asked()]).toEqual(["/robots.txt", 1]);
    clock.advance(DAY_MS - MINUTE_MS);
    await egress.fetch(site.origin);
    expect(asked()).toBe(1);
    clock.advance(MINUTE_MS);
    await egress.fetch(site.origin);
    expect(asked()).toBe(2);
  });

  test("is asked again when the clock was set back behind the kept copy", async () => {
    const site = await contentServer({ "/": "hello" });
    const { egress, clock } = await testEgress();
    await egress.fetch(site.origin);
    clock.jump(-DAY_MS * 30);
    await egress.fetch(site.origin);
    expect(site.requests.map((request) => request.path)).toEqual(["/robots.txt", "/", "/robots.txt", "/"]);
  });

  test("forbids what it forbids, and nothing of that is requested", async () => {
    const site = await contentServer({
      "/robots.txt": "user-agent: *\ndisallow: /\nuser-agent: afk\ndisallow: /private\nallow: /private/ok",
      "/private/ok": "fine",
      "/other": "fine",
    });
    const { egress } = await testEgress();
    await egress.fetch(`${site.origin}/other`);
    await egress.fetch(`${site.origin}/private/ok`);
    const error = await rejection(egress.fetch(`${site.origin}/private/a?key=SECRET`));
    expect(error).toMatchObject({ code: "egress_refused", retry: "never" });
    expect(String(error)).toContain(`${site.origin}/robots.txt forbids`);
    expect(String(error)).not.toContain("SECRET");
    expect(site.paths()).toEqual(["/other", "/private/ok"]);
  });

  test("looks at the query too", async () => {
    const site = await contentServer({ "/robots.txt": "user-agent: *\ndisallow: /*?", "/a": "fine" });
    const { egress } = await testEgress();
    await egress.fetch(`${site.origin}/a`);
    expect(await rejection(egress.fetch(`${site.origin}/a?b`))).toMatchObject({ code: "egress_refused" });
  });

  test.each([400, 401, 403, 404, 410, 451])("that is answered %i allows everything", async (status) => {
    const site = await contentServer({
      "/robots.txt": { status, body: "user-agent: *\ndisallow: /" },
      "/": "hello",
    });
    const { egress } = await testEgress();
    expect(textOf((await egress.fetch(site.origin)).body)).toBe("hello");
  });

  test.each([500, 502, 503, 304])(
    "that is answered %i forbids everything, for a quarter of an hour",
    async (status) => {
      const site = await contentServer({ "/robots.txt": { status }, "/": "hello" });
      const { egress, clock } = await testEgress();
      expect(await rejection(egress.fetch(site.origin))).toMatchObject({
        code: "egress_failed",
        retry: { afterMs: 15 * MINUTE_MS },
      });
      site.routes["/robots.txt"] = "";
      clock.advance(14 * MINUTE_MS);
      expect(await rejection(egress.fetch(site.origin))).toMatchObject({ retry: { afterMs: MINUTE_MS } });
      expect(site.requests).toHaveLength(1);
      clock.advance(MINUTE_MS);
      await egress.fetch(site.origin);
      expect(site.paths()).toEqual(["/"]);
    },
  );

  test("that is cut off forbids everything", async () => {
    const site = await contentServer({
      "/robots.txt": (_request, response) => response.destroy(),
      "/": "hello",
    });
    const { egress } = await testEgress();
    expect(await rejection(egress.fetch(site.origin))).toMatchObject({ code: "egress_failed" });
    expect(site.paths()).toEqual([]);
  });

  test("that asks for time is no verdict: the host is not called until then", async () => {
    const site = await contentServer({
      "/robots.txt": { status: 429, headers: { "retry-after": "600" } },
      "/": "hello",
    });
    const { egress, clock, db } = await testEgress();
    expect(await rejection(egress.fetch(site.origin))).toMatchObject({
      retry: { afterMs: 600_000 },
      status: 429,
    });
    expect(await db.selectFrom("robots").selectAll().execute()).toEqual([]);
    site.routes["/robots.txt"] = "";
    clock.advance(600_000);
    await egress.fetch(site.origin);
  });

  test("is followed through five redirects, to another host too, and speaks for the first", async () => {
    const other = await contentServer({ "/rules": "user-agent: *\ndisallow: /no" });
    const hop = (to: string) => ({ status: 301, headers: { location: to } });
    const site = await contentServer({
      "/robots.txt": hop("/1"),
      "/1": hop("/2"),
      "/2": hop("/3"),
      "/3": hop("/4"),
      "/4": hop(`${other.origin}/rules`),
      "/yes": "fine",
    });
    const { egress } = await testEgress();
    await egress.fetch(`${site.origin}/yes`);
    expect(await rejection(egress.fetch(`${site.origin}/no`))).toMatchObject({ code: "egress_refused" });
    expect(other.requests).toHaveLength(1);
  });

  test("that is redirected without end counts as not there", async () => {
    const site = await contentServer({
      "/robots.txt": { status: 302, headers: { location: "/robots.txt" } },
      "/": "hello",
    });
    const { egress } = await testEgress();
    await egress.fetch(site.origin);
    expect(site.requests).toHaveLength(7);
  });

  test("that leads to a host that is not allowed stops the fetch, with what to do", async () => {
    const site = await contentServer({
      "/robots.txt": { status: 302, headers: { location: "http://other.test/" } },
      "/": "x",
    });
    const { egress } = await testEgress();
    const error = await rejection(egress.fetch(site.origin));
    expect(error).toMatchObject({
      code: "egress_refused",
      message: expect.stringContaining("add other.test to egress.allow"),
    });
    expect(site.paths()).toEqual([]);
  });

  test("is read for half a megabyte, and what comes after is left out", async () => {
    const filler = `#${"x".repeat(998)}\n`;
    const text = (lines: number) => `${filler.repeat(lines)}user-agent: *\ndisallow: /\n`;
    const inside = await contentServer({ "/robots.txt": text(510), "/": "hello" });
    const outside = await contentServer({ "/robots.txt": text(600), "/": "hello" });
    const { egress } = await testEgress();
    expect(await rejection(egress.fetch(inside.origin))).toMatchObject({ code: "egress_refused" });
    await egress.fetch(outside.origin);
  });

  test("may be in another encoding than UTF-8 without harm", async () => {
    const body = Buffer.from("\uFEFFuser-agent: *\n# \u00e9\ndisallow: /no\n", "latin1");
    const site = await contentServer({
      "/robots.txt": { body: Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), body.subarray(1)]) },
    });
    const { egress } = await testEgress();
    expect(await rejection(egress.fetch(`${site.origin}/no`))).toMatchObject({ code: "egress_refused" });
  });

  test("of one port says nothing about another", async () => {
    const closed = await contentServer({ "/robots.txt": "user-agent: *\ndisallow: /" });
    const open = await contentServer({ "/": "hello" });
    const { egress } = await testEgress();
    expect(await rejection(egress.fetch(closed.origin))).toMatchObject({ code: "egress_refused" });
    await egress.fetch(open.origin);
  });

  test("is not asked for an API, and is for anything else", async () => {
    const site = await contentServer({ "/robots.txt": "user-agent: *\ndisallow: /", "/repos": "[]" });
    const { egress } = await testEgress({
      config: { allow: ["api.github.com"], allowPrivate: ["api.github.com"] },
    });
    const url = `http://api.github.com:${site.port}/repos`;
    await egress.fetch(url, { isApi: true });
    expect(site.requests.map((request) => request.path)).toEqual(["/repos"]);
    expect(await rejection(egress.fetch(url))).toMatchObject({
      code: "egress_refused",
    });
  });
});
