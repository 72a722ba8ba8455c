// @module-tag slow
import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import { openDashboard } from "../../src/dashboard/server.ts";
import { type TestSite, testSite, textOf } from "./site.ts";

/** What a raw connection gets to these bytes, up to its end. */
function raw(site: TestSite, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(site.port, "127.0.0.1", () => socket.write(bytes));
    let received = "";
    socket.setEncoding("latin1").on("data", (chunk: string) => {
      received += chunk;
    });
    // A server that has said no may reset what is still being sent.
    socket.once("error", () => resolve(received));
    socket.once("close", () => resolve(received));
    socket.setTimeout(60_000, () => reject(new Error("nothing came")));
  });
}

describe("every answer", () => {
  test("is kept from caches, frames, other origins and guesses of its type", async () => {
    const site = await testSite({ isEmpty: true });
    for (const path of ["/", "/healthz", "/metrics", "/icon.svg", "/nothing"]) {
      const { headers } = await site.ask(path);
      expect(headers).toMatchObject({
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cross-origin-resource-policy": "same-origin",
      });
      const policy = String(headers["content-security-policy"]);
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).toMatch(/style-src 'sha256-[\w+/]{43}='/);
      expect(policy).toMatch(/script-src 'sha256-[\w+/]{43}='/);
      expect(policy).not.toContain("unsafe");
      expect(headers["access-control-allow-origin"]).toBeUndefined();
      expect(headers["x-powered-by"]).toBeUndefined();
    }
  });

  test("to HEAD is that to GET without its body", async () => {
    const site = await testSite({ isEmpty: true });
    for (const path of ["/", "/healthz", "/metrics", "/nothing"]) {
      const get = await site.ask(path);
      const head = await site.ask(path, { method: "HEAD" });
      expect(head.body).toBe("");
      expect(head.status).toBe(get.status);
      expect(head.headers["content-length"]).toBe(get.headers["content-length"]);
    }
  });
});

describe("what is refused", () => {
  test.each(["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"])(
    "%s, on any path",
    async (method) => {
      const site = await testSite({ isEmpty: true });
      for (const path of ["/", "/healthz", "/metrics", "/drafts/1/approve"]) {
        const { status, headers } = await site.ask(path, { method });
        expect(status).toBe(405);
        expect(headers.allow).toBe("GET, HEAD");
      }
    },
  );

  test.each([
    "/../../etc/passwd",
    "/..%2f..%2fetc%2fpasswd",
    "/%2e%2e/afk.db",
    "/./",
    "//",
    "/metrics/",
    "/METRICS",
    "/afk.db",
    "/index.html",
    "/constructor",
    "/__proto__",
    "/healthz%00",
    "/\\..\\afk.db",
  ])("the path %s", async (path) => {
    const site = await testSite({ isEmpty: true });
    expect((await site.ask(path)).status).toBe(404);
  });

  test("a request for another server, as proxies get them", async () => {
    const site = await testSite({ isEmpty: true });
    const answer = await raw(
      site,
      "GET http://evil.example.org/ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
    );
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(
      await raw(site, "CONNECT evil.example.org:80 HTTP/1.1\r\nHost: evil.example.org:80\r\n\r\n"),
    ).not.toContain(" 200 ");
  });

  test("a wrong Host or Origin, before anything is read", async () => {
    const site = await testSite({ isEmpty: true });
    for (const path of ["/", "/healthz", "/metrics", "/icon.svg"]) {
      expect((await site.ask(path, { headers: { host: "evil.example.org" } })).status).toBe(403);
      expect((await site.ask(path, { headers: { origin: "http://evil.example.org" } })).status).toBe(403);
    }
  });

  test("huge headers and bodies", async () => {
    const site = await testSite({ isEmpty: true });
    const head = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n";
    expect(await raw(site, `${head}X: ${"x".repeat(20_000)}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 431 /);
    expect(await raw(site, `GET /${"a".repeat(20_000)} HTTP/1.1\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 (400|414|431) /,
    );
    const post = `POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000000\r\n\r\n${"x".repeat(100_000)}`;
    expect(await raw(site, post)).toMatch(/^HTTP\/1\.1 405 /);
    expect((await site.ask("/healthz")).status).toBe(200);
  });

  test("what is no HTTP, and headers that never end", async () => {
    const site = await testSite({ isEmpty: true });
    expect(await raw(site, "\u0016\u0003\u0001 hello\r\n\r\n")).toMatch(/^HTTP\/1\.1 400 |^$/);
    expect(await raw(site, "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ")).toMatch(/^HTTP\/1\.1 408 |^$/);
  });
});

describe("a page that others can reach", () => {
  const token = "a-long-enough-token-0123";

  test("asks for the token on every path, and takes it as bearer, or once in the address", async () => {
    const site = await testSite({ isEmpty: true, sections: { dashboard: { bind: "0.0.0.0", token } } });
    const host = `127.0.0.1:${site.port}`;
    for (const path of ["/", "/healthz", "/metrics", "/icon.svg"]) {
      const refused = await site.ask(path, { headers: { host } });
      expect(refused.status).toBe(401);
      expect(refused.headers["www-authenticate"]).toBe("Bearer");
      expect(refused.body).not.toContain("morning-digest");
    }
    expect((await site.ask("/metrics", { headers: { host, authorization: `Bearer ${token}` } })).status).toBe(
      200,
    );

    const login = await site.ask(`/?token=${token}`, { headers: { host } });
    expect(login).toMatchObject({ status: 303, body: "", headers: { location: "/" } });
    const cookie = String(login.headers["set-cookie"]).split(";")[0]!;
    expect((await site.ask("/", { headers: { host, cookie } })).status).toBe(200);
    expect((await site.ask("/?token=wrong", { headers: { host, cookie } })).status).toBe(401);
    expect((await site.ask("/elsewhere?token=wrong", { headers: { host } })).status).toBe(401);
    expect(site.errors).toEqual([]);
  });
});

describe("/healthz", () => {
  test("says what afk health says", async () => {
    const site = await testSite({ isCalm: true });
    const fit = await site.ask("/healthz");
    expect(fit.status).toBe(200);
    expect(JSON.parse(fit.body)).toEqual({ isHealthy: true, verdict: "well", problems: [], findings: [] });
    site.clock.advance(2 * 3_600_000);
    const late = await site.ask("/healthz");
    expect(late.status).toBe(503);
    expect(JSON.parse(late.body)).toMatchObject({
      isHealthy: false,
      problems: [expect.stringContaining("was due at")],
    });
  });
});

test("the state of another agent is not shown for this one's, and nowhere said to be well", async () => {
  const site = await testSite({ isCalm: true });
  await site.store.db.insertInto("owners").values({ agent: "another", since_at: 0 }).execute();
  for (const path of ["/", "/metrics", "/healthz", "/files/", "/jobs/digest"]) {
    const { status, body } = await site.ask(path);
    expect(status, path).toBe(503);
    expect(textOf(body), path).toContain("belongs to the agent another");
  }
});

test("a port that is taken is said so", async () => {
  const site = await testSite({ isEmpty: true });
  const config = { ...site.config, dashboard: { ...site.config.dashboard, port: site.port } };
  const options = { config, version: "1", clock: site.clock, onError: () => undefined };
  await expect(openDashboard(options)).rejects.toMatchObject({ code: "dashboard_unavailable" });
});

test("nothing that is asked changes the database", async () => {
  const site = await testSite();
  const before = await site.store.changes.seen();
  for (const path of ["/", "/healthz", "/metrics", "/?approve=1"]) {
    await site.ask(path);
    await site.ask(path, { method: "POST" });
  }
  expect(await site.store.changes.seen()).toBe(before);
});

test("more connections than a page needs are turned away, and it goes on", async () => {
  const site = await testSite({ isEmpty: true });
  const sockets = await Promise.all(
    Array.from({ length: 80 }, () => {
      const socket = connect(site.port, "127.0.0.1");
      socket.on("error", () => undefined);
      return new Promise<typeof socket>((resolve) => socket.once("connect", () => resolve(socket)));
    }),
  );
  const gone = Promise.all(
    sockets.slice(64).map((socket) => new Promise((resolve) => socket.once("close", resolve).resume())),
  );
  await gone;
  for (const socket of sockets) socket.destroy();
  const status = () => site.ask("/healthz").then((reply) => reply.status, String);
  await expect.poll(status, { timeout: 30_000 }).toBe(200);
});
