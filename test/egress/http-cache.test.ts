import { describe, expect, test } from "vitest";
import { createHttpCache } from "../../src/egress/http-cache.ts";
import { contentServer, type Route } from "../support/content-server.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { rejection, testEgress, testStore, textOf } from "./harness.ts";

/** Answers 304 to who has the current version. */
function versioned(current: { etag: string; body: string }): Route {
  return (request, response) => {
    const headers = { etag: current.etag, "content-type": "text/plain; charset=koi8-r" };
    if (request.headers["if-none-match"] === current.etag) response.writeHead(304, headers).end();
    else response.writeHead(200, headers).end(current.body);
  };
}

describe("a page with a validator", () => {
  test("is asked for conditionally, and kept as long as it is the same", async () => {
    const current = { etag: '"1"', body: "one" };
    const site = await contentServer({ "/": versioned(current) });
    const { egress } = await testEgress();
    const seen = [];
    for (let i = 0; i < 2; i++) seen.push(await egress.fetch(site.origin));
    Object.assign(current, { etag: '"2"', body: "two" });
    for (let i = 0; i < 2; i++) seen.push(await egress.fetch(site.origin));
    expect(
      seen.map((page) => [
        page.status,
        `${page.contentType} ${page.charset}`,
        textOf(page.body),
        page.fromCache,
      ]),
    ).toEqual([
      [200, "text/plain koi8-r", "one", false],
      [200, "text/plain koi8-r", "one", true],
      [200, "text/plain koi8-r", "two", false],
      [200, "text/plain koi8-r", "two", true],
    ]);
    const sent = site.requests
      .filter((request) => request.path === "/")
      .map((request) => request.headers["if-none-match"]);
    expect(sent).toEqual([undefined, '"1"', '"1"', '"2"']);
  });

  test("may be validated by its date alone", async () => {
    const date = "Fri, 20 Nov 2026 08:00:00 GMT";
    const site = await contentServer({ "/": { headers: { "last-modified": date }, body: "hello" } });
    const { egress } = await testEgress();
    for (let i = 0; i < 2; i++) await egress.fetch(site.origin);
    expect(site.requests.map((request) => request.headers["if-modified-since"])).toEqual([
      undefined,
      undefined,
      date,
    ]);
  });

  test("is kept under its whole address, query included", async () => {
    const site = await contentServer({ "/": { headers: { etag: '"1"' }, body: "hello" } });
    const { egress } = await testEgress();
    await egress.fetch(`${site.origin}/?a`);
    await egress.fetch(`${site.origin}/?b`);
    expect(site.requests.at(-1)?.headers["if-none-match"]).toBeUndefined();
  });

  test("is kept for the address that answered, not for the one that redirected", async () => {
    const site = await contentServer({
      "/old": { status: 301, headers: { location: "/new", etag: '"r"' } },
      "/new": versioned({ etag: '"1"', body: "one" }),
    });
    const { egress } = await testEgress();
    await egress.fetch(`${site.origin}/old`);
    const page = await egress.fetch(`${site.origin}/old`);
    expect([page.url, textOf(page.body), page.fromCache]).toEqual([`${site.origin}/new`, "one", true]);
  });
});

describe("a page is not kept", () => {
  test.each([
    ["without a validator", { body: "hello" }],
    [
      "when it is not to be stored",
      { headers: { etag: '"1"', "cache-control": "private, no-store" }, body: "hello" },
    ],
    ["when it is larger than 2 MiB", { headers: { etag: '"1"' }, body: "x".repeat(2 * 1024 * 1024 + 1) }],
    ["when it is a part", { status: 206, headers: { etag: '"1"' }, body: "hello" }],
  ])("%s", async (_name, route) => {
    const site = await contentServer({ "/": route });
    const { egress, db } = await testEgress();
    await egress.fetch(site.origin);
    expect(await db.selectFrom("http_cache").select("url_hash").execute()).toEqual([]);
  });
});

test("a 304 for a page that is not kept is a failure", async () => {
  const site = await contentServer({ "/": { status: 304 } });
  const { egress } = await testEgress();
  expect(await rejection(egress.fetch(site.origin))).toMatchObject({ code: "egress_failed", status: 304 });
});

test("the cache keeps the 500 pages that were fetched or confirmed last", async () => {
  const { db } = await testStore();
  const clock = fakeClock();
  const cache = createHttpCache(db, clock);
  const keep = async (i: number) => {
    clock.advance(1000);
    const answer = { status: 200, headers: { etag: `"${i}"` }, body: new Uint8Array([i % 256]) };
    await cache.keep(new URL(`http://site.test/${i}`), answer);
  };
  for (let i = 0; i < 500; i++) await keep(i);
  clock.advance(1000);
  await cache.confirm(new URL("http://site.test/0"));
  for (let i = 500; i < 503; i++) await keep(i);
  const { rows } = await db
    .selectFrom("http_cache")
    .select((eb) => eb.fn.countAll<number>().as("rows"))
    .executeTakeFirstOrThrow();
  expect(rows).toBe(500);
  const found = await Promise.all(
    [0, 1, 2, 3, 4, 502].map((i) => cache.find(new URL(`http://site.test/${i}`))),
  );
  expect(found.map((page) => page !== null)).toEqual([true, false, false, false, true, true]);
});

test("the cache is bounded in bytes too", async () => {
  const { db } = await testStore();
  const clock = fakeClock();
  const cache = createHttpCache(db, clock);
  const body = new Uint8Array(2 * 1024 * 1024);
  for (let i = 0; i < 66; i++) {
    clock.advance(1000);
    await cache.keep(new URL(`http://site.test/${i}`), { status: 200, headers: { etag: '"1"' }, body });
  }
  const found = await Promise.all([0, 1, 2, 65].map((i) => cache.find(new URL(`http://site.test/${i}`))));
  expect(found.map((page) => page !== null)).toEqual([false, false, true, true]);
});

test("an address, which may hold a token, is not kept in clear", async () => {
  const { db } = await testStore();
  const cache = createHttpCache(db, fakeClock());
  const url = new URL("http://site.test/feed?token=do-not-keep");
  await cache.keep(url, { status: 200, headers: { etag: '"1"' }, body: new Uint8Array(1) });
  expect(JSON.stringify(await db.selectFrom("http_cache").selectAll().execute())).not.toContain(
    "do-not-keep",
  );
  expect(await cache.find(url)).not.toBeNull();
});
