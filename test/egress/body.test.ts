import { Readable } from "node:stream";
import {
  brotliCompressSync,
  createBrotliCompress,
  createDeflateRaw,
  createGzip,
  deflateRawSync,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from "node:zlib";
import { describe, expect, test } from "vitest";
import { contentServer, type Route } from "../support/content-server.ts";
import { rejection, testEgress, textOf } from "./harness.ts";

/** Sends zeros without end through `compressor`; tells when the client has hung up. */
function endless(encoding: string, compressor: NodeJS.ReadWriteStream) {
  const { promise: hungUp, resolve } = Promise.withResolvers<void>();
  const route: Route = (_request, response) => {
    response.writeHead(200, { "content-encoding": encoding });
    const zeros = Readable.from(
      (function* () {
        for (;;) yield Buffer.alloc(1024 * 1024);
      })(),
    );
    response.on("close", () => {
      zeros.destroy();
      resolve();
    });
    zeros.pipe(compressor).pipe(response);
  };
  return { route, hungUp };
}

describe("a body", () => {
  test.each([
    ["gzip", gzipSync("hello")],
    ["x-gzip", gzipSync("hello")],
    ["GZIP", gzipSync("hello")],
    ["br", brotliCompressSync("hello")],
    ["deflate", deflateSync("hello")],
    ["deflate", deflateRawSync("hello")],
    ["deflate", deflateSync("hello", { level: 0 })],
    ["deflate", deflateRawSync("hello", { level: 0 })],
    ["zstd", zstdCompressSync("hello")],
    ["identity", Buffer.from("hello")],
    ["gzip, gzip", gzipSync(gzipSync("hello"))],
    ["gzip,  br", brotliCompressSync(gzipSync("hello"))],
    ["deflate, gzip", gzipSync(deflateRawSync("hello"))],
    ["deflate, gzip, deflate", deflateSync(gzipSync(deflateRawSync("hello")))],
    ["identity, gzip", gzipSync("hello")],
    ["aws-chunked", Buffer.from("hello")],
    ["none", Buffer.from("hello")],
    ["utf-8", Buffer.from("hello")],
    ["gzip, aws-chunked", gzipSync("hello")],
    ["constructor", Buffer.from("hello")],
    ["gzip", Buffer.from("hello")],
    ["gzip, gzip", gzipSync("hello")],
    ["zstd", Buffer.from("hello")],
    ['"gzip"', gzipSync("hello")],
    ["gzip;q=1.0", gzipSync("hello")],
    ["none", gzipSync("hello")],
  ])("encoded as %s is decoded", async (encoding, body) => {
    const site = await contentServer({ "/": { headers: { "content-encoding": encoding }, body } });
    const { egress } = await testEgress();
    expect(textOf((await egress.fetch(site.origin)).body)).toBe("hello");
  });

  test("that is empty is empty", async () => {
    const site = await contentServer({
      "/a": "",
      "/b": { status: 204 },
      "/c": { headers: { "content-encoding": "deflate" }, body: "" },
      "/d": { headers: { "content-encoding": "gzip" }, body: "" },
    });
    const { egress } = await testEgress();
    for (const path of ["/a", "/b", "/c", "/d"])
      expect((await egress.fetch(site.origin + path)).body.byteLength).toBe(0);
  });

  test.each([
    ["that is no zstd data", "zstd", Buffer.from("(x")],
    ["encoded more than three times", "gzip, gzip, gzip, gzip", gzipSync("x")],
    ["that is no deflate data", "deflate", Buffer.from("plain text")],
    [
      "whose deflate data ends too early",
      "deflate",
      deflateRawSync("hello world".repeat(100)).subarray(0, 5),
    ],
    ["that only begins as its encoding does", "gzip", Buffer.from([0x1f, ...Buffer.from("plain text")])],
    ["that ends too early", "gzip", gzipSync("hello world".repeat(100)).subarray(0, 30)],
  ])("%s fails", async (_name, encoding, body) => {
    const site = await contentServer({ "/": { headers: { "content-encoding": encoding }, body } });
    const { egress } = await testEgress();
    expect(await rejection(egress.fetch(site.origin))).toMatchObject({
      code: "egress_failed",
      retry: "later",
    });
  });

  test("may be as large as the bound and no larger, before and after decoding", async () => {
    const site = await contentServer({
      "/fits": "x".repeat(1000),
      "/over": "x".repeat(1001),
      "/packed-fits": { headers: { "content-encoding": "gzip" }, body: gzipSync("x".repeat(1000)) },
      "/packed-over": { headers: { "content-encoding": "gzip" }, body: gzipSync("x".repeat(1001)) },
    });
    const { egress } = await testEgress({ limits: { bytesMax: 1000 } });
    for (const path of ["/fits", "/packed-fits"])
      expect((await egress.fetch(site.origin + path)).body.byteLength).toBe(1000);
    for (const path of ["/over", "/packed-over"]) {
      const error = await rejection(egress.fetch(site.origin + path));
      expect(error).toMatchObject({
        code: "egress_failed",
        message: expect.stringContaining("more than 1000 bytes"),
      });
    }
  });

  test.each([
    ["gzip", createGzip],
    ["br", createBrotliCompress],
    ["deflate", createDeflateRaw],
  ])(
    "that unpacks without end is stopped at the bound, and its connection closed: %s",
    async (encoding, compressor) => {
      const bomb = endless(encoding, compressor());
      const site = await contentServer({ "/": bomb.route });
      const { egress } = await testEgress();
      const error = await rejection(egress.fetch(site.origin));
      expect(error).toMatchObject({
        code: "egress_failed",
        message: expect.stringContaining("more than 4194304 bytes"),
      });
      await bomb.hungUp;
    },
  );

  test("that drips is given up after the time for the whole fetch", async () => {
    const { promise: hungUp, resolve } = Promise.withResolvers<void>();
    const site = await contentServer({
      "/": (_request, response) => {
        response.writeHead(200).write("a");
        const timer = setInterval(() => response.write("a"), 10);
        response.on("close", () => {
          clearInterval(timer);
          resolve();
        });
      },
    });
    const { egress } = await testEgress({ limits: { timeoutMs: 300 } });
    const error = await rejection(egress.fetch(site.origin));
    expect(error).toMatchObject({
      code: "egress_failed",
      retry: "later",
      message: expect.stringContaining("took too long"),
    });
    await hungUp;
  });
});

describe("an answer", () => {
  test("that is no page has its body cut off unread", async () => {
    const { promise: hungUp, resolve } = Promise.withResolvers<void>();
    const site = await contentServer({
      "/": (_request, response) => {
        response.on("close", resolve);
        response.writeHead(500).write("x".repeat(1000));
      },
    });
    const { egress } = await testEgress();
    expect(await rejection(egress.fetch(site.origin))).toMatchObject({ status: 500 });
    await hungUp;
  });

  test("that never starts is given up after the time for headers", async () => {
    const site = await contentServer({ "/": () => undefined });
    const { egress } = await testEgress({ limits: { headersTimeoutMs: 200 } });
    expect(await rejection(egress.fetch(site.origin))).toMatchObject({
      code: "egress_failed",
      retry: "later",
    });
  });

  test("with headers without end fails", async () => {
    const site = await contentServer({ "/": { headers: { "x-long": "x".repeat(100_000) }, body: "x" } });
    const { egress } = await testEgress();
    expect(await rejection(egress.fetch(site.origin))).toMatchObject({ code: "egress_failed" });
  });
});

describe("an abort", () => {
  test("ends a fetch under way with the caller's own reason", async () => {
    const stop = new AbortController();
    const { promise: hungUp, resolve } = Promise.withResolvers<void>();
    const site = await contentServer({
      "/": (_request, response) => {
        response.on("close", resolve);
        response.writeHead(200).write("a", () => stop.abort(new Error("killed")));
      },
    });
    const { egress } = await testEgress();
    await expect(egress.fetch(site.origin, { signal: stop.signal })).rejects.toThrow("killed");
    await hungUp;
  });

  test("does not wait for a connection to come about", async () => {
    const stop = new AbortController();
    const { egress, db } = await testEgress({
      resolve: () => {
        stop.abort(new Error("killed"));
        return new Promise(() => undefined);
      },
    });
    await expect(egress.fetch("http://site.test/", { signal: stop.signal })).rejects.toThrow("killed");
    expect(await db.selectFrom("robots").selectAll().execute()).toEqual([]);
  });

  test("that came before sends nothing", async () => {
    const site = await contentServer({ "/": "hello" });
    const { egress } = await testEgress();
    const signal = AbortSignal.abort(new Error("killed"));
    await expect(egress.fetch(site.origin, { signal })).rejects.toThrow("killed");
    expect(site.requests).toEqual([]);
  });
});
