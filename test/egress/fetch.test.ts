import { describe, expect, test } from "vitest";
import { contentServer } from "../support/content-server.ts";
import { rejection, testEgress, textOf } from "./harness.ts";

describe("a request", () => {
  test("gives the page with its media type, and is a plain GET that says who asks", async () => {
    const site = await contentServer({
      "/feed": {
        headers: { "content-type": "Application/XML; charset=utf-8", "set-cookie": "id=1" },
        body: "<rss/>",
      },
    });
    const { egress } = await testEgress({ config: { contact: "ops@example.org" } });
    const page = await egress.fetch(`${site.origin}/feed?a=1#part`, { accept: "application/xml" });
    expect({ ...page, body: textOf(page.body) }).toEqual({
      url: `${site.origin}/feed?a=1`,
      status: 200,
      contentType: "application/xml",
      charset: "utf-8",
      body: "<rss/>",
      fromCache: false,
    });
    await egress.fetch(`${site.origin}/feed`);
    const [robots, first, second] = site.requests;
    expect([robots?.path, first?.method, first?.path]).toEqual(["/robots.txt", "GET", "/feed?a=1"]);
    for (const request of site.requests) {
      expect(request.headers["user-agent"]).toBe("afk/1.2.3 (+ops@example.org)");
      expect(request.headers["accept-encoding"]).toBe("gzip, br, deflate");
      expect(Object.keys(request.headers)).not.toEqual(expect.arrayContaining(["cookie"]));
    }
    expect([first?.headers.accept, second?.headers.accept]).toEqual(["application/xml", "*/*"]);
  });

  test("names no contact when there is none", async () => {
    const site = await contentServer({ "/": "hello" });
    const { egress } = await testEgress();
    await egress.fetch(site.origin);
    expect(site.requests.map((request) => request.headers["user-agent"])).toEqual(["afk/1.2.3", "afk/1.2.3"]);
  });

  test("carries a header of the caller's that is on the list, and is refused with any other", async () => {
    const site = await contentServer({ "/": "hello" });
    const { egress } = await testEgress();
    await egress.fetch(site.origin, { headers: { "X-GitHub-Api-Version": "2022-11-28" } });
    expect(site.requests.at(-1)?.headers["x-github-api-version"]).toBe("2022-11-28");
    for (const name of ["Authorization", "cookie", "Host", "if-none-match", "X-Forwarded-For"]) {
      const error = await rejection(egress.fetch(site.origin, { headers: { [name]: "x" } }));
      expect(error).toMatchObject({ code: "egress_refused", retry: "never" });
    }
    expect(site.paths()).toHaveLength(1);
  });

  test.each([
    ["https://other.test/a?key=SECRET", "add other.test to egress.allow"],
    ["http://sub.site.test/", "add sub.site.test to egress.allow"],
    ["ftp://site.test/a", "neither https nor http"],
    ["file:///etc/passwd", "neither https nor http"],
    ["//site.test/a?key=SECRET", "not a complete address"],
    ["", "not a complete address"],
    ["http://SECRET:SECRET@site.test/", "no credentials"],
    ["http://SECRET@site.test/", "no credentials"],
    ["http://site.test@other.test/", "add other.test to egress.allow"],
  ])("to %s is refused before anything is looked up", async (url, message) => {
    const { egress } = await testEgress({
      resolve: () => {
        throw new Error("nothing should be resolved");
      },
    });
    const error = await rejection(egress.fetch(url));
    expect(error).toMatchObject({
      code: "egress_refused",
      retry: "never",
      message: expect.stringContaining(message),
    });
    expect(String(error)).not.toContain("SECRET");
  });

  test.each([404, 410, 401, 403, 500, 502, 503, 300, 304])(
    "that is answered %i fails with that status",
    async (status) => {
      const site = await contentServer({ "/a": { status, body: "no" } });
      const { egress } = await testEgress();
      const error = await rejection(egress.fetch(`${site.origin}/a?key=SECRET`));
      expect(error).toMatchObject({ code: "egress_failed", retry: "later", status });
      expect(String(error)).toContain(`${site.origin}/a answered ${status}`);
      expect(String(error)).not.toContain("SECRET");
      expect(site.paths()).toHaveLength(1);
    },
  );

  test("to a port where nobody listens fails, and may be tried later", async () => {
    const { egress } = await testEgress();
    const error = await rejection(egress.fetch("http://127.0.0.1:1/"));
    expect(error).toMatchObject({ code: "egress_failed", status: null });
  });

  test("fails when the connection breaks in the middle of the body", async () => {
    const site = await contentServer({
      "/": (_request, response) => {
        response.writeHead(200, { "content-length": "1000" }).write("part", () => response.destroy());
      },
    });
    const { egress } = await testEgress();
    expect(await rejection(egress.fetch(site.origin))).toMatchObject({
      code: "egress_failed",
      retry: "later",
      status: null,
    });
    expect(site.paths()).toHaveLength(1);
  });
});

describe("an address", () => {
  test.each([
    "http://127.0.0.1:PORT/",
    "http://2130706433:PORT/",
    "http://0x7f.1:PORT/",
    "http://017700000001:PORT/",
    "http://127.1:PORT/",
    "http://[::ffff:127.0.0.1]:PORT/",
    "http://[::1]:PORT/",
    "http://name.test:PORT/",
  ])("that is private is refused without a connection: %s", async (url) => {
    const site = await contentServer({ "/": "private" });
    const { egress } = await testEgress({
      config: { allow: ["127.0.0.1", "::ffff:127.0.0.1", "::1", "name.test"], allowPrivate: [] },
    });
    const error = await rejection(egress.fetch(url.replace("PORT", String(site.port))));
    expect(error).toMatchObject({
      code: "egress_refused",
      message: expect.stringContaining("egress.allow_private"),
    });
    expect(site.connections()).toBe(0);
  });

  test.each([
    "http://169.254.169.254/latest",
    "http://[fd00:ec2::254]/",
    "http://[::ffff:169.254.169.254]/",
    "http://168.63.129.16/",
  ])("of a metadata service is refused whatever the configuration says: %s", async (url) => {
    const hosts = ["169.254.169.254", "fd00:ec2::254", "::ffff:169.254.169.254", "168.63.129.16"];
    const { egress } = await testEgress({ config: { allow: hosts, allowPrivate: hosts } });
    expect(await rejection(egress.fetch(url))).toMatchObject({
      code: "egress_refused",
      message: expect.stringContaining("nothing can allow that"),
    });
  });

  test("is refused when a name has a private one beside a public one", async () => {
    const site = await contentServer({ "/": "private" });
    const { egress } = await testEgress({
      config: { allow: ["name.test"], allowPrivate: [] },
      resolve: async () => [
        { address: "127.0.0.1", family: 4 },
        { address: "1.1.1.1", family: 4 },
      ],
    });
    expect(await rejection(egress.fetch(`http://name.test:${site.port}/`))).toMatchObject({
      code: "egress_refused",
    });
    expect(site.connections()).toBe(0);
  });

  test("is the one that was checked, and a name that changes it is checked again with the next connection", async () => {
    const site = await contentServer({
      "/robots.txt": { status: 404, headers: { connection: "close" } },
      "/": { headers: { connection: "close" }, body: "first" },
    });
    const answers = ["127.0.0.1", "127.0.0.1", "169.254.169.254"];
    let asked = 0;
    const { egress } = await testEgress({
      resolve: async () => [{ address: answers[asked++] ?? "", family: 4 }],
    });
    const page = await egress.fetch(`http://site.test:${site.port}/`);
    expect([textOf(page.body), asked, site.connections()]).toEqual(["first", 2, 2]);
    const error = await rejection(egress.fetch(`http://site.test:${site.port}/`));
    expect(error).toMatchObject({ code: "egress_refused", retry: "never" });
    expect([asked, site.connections()]).toEqual([3, 2]);
  });

  test("that cannot be found is a failure, not a refusal", async () => {
    const { egress } = await testEgress({
      resolve: async () => {
        throw Object.assign(new Error("getaddrinfo ENOTFOUND site.test"), { code: "ENOTFOUND" });
      },
    });
    expect(await rejection(egress.fetch("http://site.test/"))).toMatchObject({ code: "egress_failed" });
  });
});

describe("a redirect", () => {
  test("is followed, and the page has the address that answered", async () => {
    const site = await contentServer({
      "/a": { status: 301, headers: { location: "b?x=1#frag" }, body: "moved" },
      "/b": { status: 307, headers: { location: "/c" } },
      "/c": "here",
    });
    const { egress } = await testEgress();
    const page = await egress.fetch(`${site.origin}/a`);
    expect([page.url, textOf(page.body)]).toEqual([`${site.origin}/c`, "here"]);
    expect(site.paths()).toEqual(["/a", "/b?x=1", "/c"]);
  });

  test("is followed five times and not six", async () => {
    const site = await contentServer(
      Object.fromEntries(
        [0, 1, 2, 3, 4, 5, 6].map((i) => [`/${i}`, { status: 302, headers: { location: `/${i + 1}` } }]),
      ),
    );
    site.routes["/6"] = "end";
    const { egress } = await testEgress();
    expect(textOf((await egress.fetch(`${site.origin}/1`)).body)).toBe("end");
    expect(await rejection(egress.fetch(`${site.origin}/0`))).toMatchObject({ code: "egress_failed" });
  });

  test.each([
    ["a host that is not allowed", "http://other.test/", "add other.test to egress.allow"],
    ["a private address", "http://10.0.0.1:PORT/", "add 10.0.0.1 to egress.allow_private"],
    ["a metadata service", "http://169.254.169.254/", "nothing can allow that"],
    ["a name that is private", "http://name.test:PORT/", "add name.test to egress.allow_private"],
    ["another protocol", "file:///etc/passwd", "neither https nor http"],
    ["an address with a password", "http://user:SECRET@site.test:PORT/", "no credentials"],
  ])("to %s is refused", async (_name, location, message) => {
    const site = await contentServer();
    const other = await contentServer({ "/": "private" });
    const target = location.replace("PORT", String(other.port));
    site.routes["/"] = { status: 302, headers: { location: target } };
    const allow = ["127.0.0.1", "site.test", "name.test", "10.0.0.1", "169.254.169.254"];
    const { egress } = await testEgress({ config: { allow } });
    const error = await rejection(egress.fetch(site.origin));
    expect(error).toMatchObject({
      code: "egress_refused",
      retry: "never",
      message: expect.stringContaining(message),
    });
    expect(String(error)).not.toContain("SECRET");
    expect(other.connections()).toBe(0);
  });

  test("obeys the robots.txt of the host it leads to", async () => {
    const other = await contentServer({ "/robots.txt": "user-agent: *\ndisallow: /", "/": "private" });
    const site = await contentServer({ "/": { status: 302, headers: { location: `${other.origin}/` } } });
    const { egress } = await testEgress();
    expect(await rejection(egress.fetch(site.origin))).toMatchObject({ code: "egress_refused" });
    expect(other.paths()).toEqual([]);
  });

  test("without a place to go fails", async () => {
    const site = await contentServer({
      "/a": { status: 302 },
      "/b": { status: 302, headers: { location: "http://" } },
    });
    const { egress } = await testEgress();
    for (const path of ["/a", "/b"]) {
      expect(await rejection(egress.fetch(site.origin + path))).toMatchObject({
        code: "egress_failed",
        status: 302,
      });
    }
  });
});
