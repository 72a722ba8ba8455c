import { once } from "node:events";
import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { gzipSync } from "node:zlib";
import type { Route } from "../../support/content-server.ts";
import { brotliZeros, deflateZeros, gzipZeros } from "./zeros.ts";

/** Hostile answers by name, and what has to come of each. */
export type WireBombs = Record<string, [route: Route, outcome: RegExp]>;

const TOO_LARGE = /^egress_failed: .*larger than afk reads/;
const TOO_SLOW = /^egress_failed: .*(?:too long|Timeout)/i;
/** Of bytes that belong to no body. */
const TOO_MUCH = /^egress_failed: .*(?:over one connection|informational answers|Chunk extensions overflow)/;
const FAILED = /^egress_failed/;
const FEED = '<rss version="2.0"><channel><item><title>x</title></item></channel></rss>';
const X = "x".repeat(16 * 1024);

export async function wireBombs(): Promise<WireBombs> {
  const [gzip, deflate, brotli] = [gzipZeros(), deflateZeros(), await brotliZeros()];
  return {
    "a gibibyte in gzip": [encoded("gzip", gzip), TOO_LARGE],
    "a gibibyte in gzip by its old name": [encoded("X-GZIP", gzip), TOO_LARGE],
    "a gibibyte in deflate": [encoded("deflate", deflate), TOO_LARGE],
    "a gibibyte in Brotli": [encoded("br", brotli), TOO_LARGE],
    "a bomb in a bomb": [encoded("gzip", gzipSync(gzip)), TOO_LARGE],
    "a bomb in a bomb, and it says so": [encoded("gzip, gzip", gzipSync(gzip)), TOO_LARGE],
    "a thousand encodings": [encoded(Array(1000).fill("gzip").join(","), gzip), /encoded 1000 times/],
    "an encoding nobody asked for": [encoded("zstd", gzip), FAILED],
    "a bomb that says it is none": [encoded("identity", gzip), TOO_LARGE],
    "a bomb under another name": [encoded("br", gzip), FAILED],
    "text that says it is a bomb": [encoded("gzip", Buffer.from(FEED)), /^1 items/],
    "a bomb that is cut off": [encoded("gzip", gzip.subarray(0, 100_000)), TOO_LARGE],
    "a page with a bomb behind it": [encoded("gzip", Buffer.concat([gzipSync(FEED), gzip])), TOO_LARGE],
    "a bomb as transfer encoding": [
      raw("HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n", chunk(gzip)),
      // Not decoded, as it was not asked for: a mebibyte of it is no feed.
      /^(?:egress_failed|source_unreadable)/,
    ],
    "a body without end": [(_request, response) => void flood(response.writeHead(200), X), TOO_LARGE],
    "a body without end or length": [raw("HTTP/1.1 200 OK\r\n\r\n", X), TOO_LARGE],
    "a body without end in chunks of a byte": [
      raw("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "1\r\nx\r\n".repeat(2_000)),
      // Four million of them take a slow machine longer than it may.
      /^egress_failed: .*(?:larger than afk reads|over one connection|too long)/,
    ],
    "a chunk of an exbibyte": [
      raw("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nfffffffffffffff\r\n", X),
      TOO_LARGE,
    ],
    "a chunk with an extension without end": [
      raw("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;", X),
      TOO_MUCH,
    ],
    "trailers without end": [
      raw("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n", `a: ${X}\r\n`),
      FAILED,
    ],
    "a length of a pebibyte": [raw(`HTTP/1.1 200 OK\r\ncontent-length: ${2 ** 50}\r\n\r\n`, X), TOO_LARGE],
    "a length of a pebibyte and one byte": [
      raw(`HTTP/1.1 200 OK\r\ncontent-length: ${2 ** 50}\r\n\r\nx`),
      TOO_SLOW,
    ],
    "a length below nothing": [raw("HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n", X), FAILED],
    "two lengths": [raw(`HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n`, X), FAILED],
    "a length and chunks": [
      raw("HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n", chunk(X)),
      FAILED,
    ],
    "more than its length": [
      raw(`HTTP/1.1 200 OK\r\ncontent-length: ${FEED.length}\r\n\r\n${FEED}`, X),
      /^(?:1 items|egress_failed)/,
    ],
    "a header without end": [raw("HTTP/1.1 200 OK\r\na: ", X), FAILED],
    "headers without end": [raw("HTTP/1.1 200 OK\r\n", "a: b\r\n".repeat(2_000)), FAILED],
    "a status line without end": [raw("HTTP/1.1 200 ", X), FAILED],
    "early hints without end": [raw("", "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(500)), TOO_MUCH],
    "no HTTP at all": [raw("", "\0".repeat(16_384)), FAILED],
    "a body that drips": [drip("HTTP/1.1 200 OK\r\n\r\n"), TOO_SLOW],
    "headers that drip": [drip("HTTP/1.1 200 OK\r\na: "), FAILED],
    silence: [() => undefined, TOO_SLOW],
    "a redirect with a body without end": [
      raw("HTTP/1.1 302 Found\r\nlocation: /feed\r\n\r\n", X),
      /^1 items/,
    ],
    "an error with a body without end": [raw("HTTP/1.1 500 No\r\n\r\n", X), /answered 500/],
    "a redirect to itself": [raw("HTTP/1.1 302 Found\r\nlocation: ?\r\ncontent-length: 0\r\n\r\n"), FAILED],
    "an address of 15 kilobytes": [
      { status: 302, headers: { location: `/404/${"a".repeat(15_000)}` } },
      /answered 404/,
    ],
  };
}

export const PAGES: Record<string, Route> = { "/feed": FEED };

/** The same answers for robots.txt, which is cut at its bound where a page fails. */
export function robotsBombs(bombs: WireBombs): WireBombs {
  return {
    "robots.txt without end": [bombs["a body without end"]![0], /^1 items/],
    "robots.txt of a gibibyte": [bombs["a gibibyte in gzip"]![0], /^1 items/],
    "robots.txt of slow patterns": [filler("disallow: /*a*a*a*a*a*a*a*a*a*a*a*a*b$\n"), /^1 items/],
    "robots.txt of groups": [filler("user-agent: *\nuser-agent: afk\n"), /^1 items/],
    "robots.txt of long patterns": [filler(`disallow: /*${"f".repeat(8_000)}b\n`), /^1 items/],
    "robots.txt that drips": [drip("HTTP/1.1 200 OK\r\n\r\n"), FAILED],
  };
}

function filler(line: string): Route {
  return { body: `user-agent: *\n${line.repeat(Math.ceil(600_000 / line.length))}` };
}

function encoded(encoding: string, body: Buffer): Route {
  return { headers: { "content-encoding": encoding }, body };
}

function chunk(body: Buffer | string): Buffer {
  return Buffer.concat([
    Buffer.from(`${body.length.toString(16)}\r\n`),
    Buffer.from(body),
    Buffer.from("\r\n"),
  ]);
}

/** An answer written by hand, ended by `rest` again and again; without `rest` it stops there and stays open. */
function raw(start: string, rest: string | Buffer = ""): Route {
  return (_request, response) => {
    const socket = socketOf(response);
    socket?.write(start);
    if (socket !== null && rest !== "") void flood(socket, rest);
  };
}

function drip(start: string): Route {
  return (_request, response) => {
    const socket = socketOf(response);
    socket?.write(start);
    const timer = setInterval(() => socket?.write("x"), 20);
    socket?.once("close", () => clearInterval(timer));
  };
}

/** Null when the client has hung up before. That it hangs up in the middle of what is written is what all this is for. */
function socketOf(response: ServerResponse): Socket | null {
  return response.socket?.on("error", () => undefined) ?? null;
}

/** Writes `unit` again and again, no faster than it is taken, until the other side hangs up; a gibibyte at most. */
async function flood(target: NodeJS.WritableStream & { destroyed: boolean }, unit: string | Buffer) {
  const gone = new AbortController();
  target.once("close", () => gone.abort()).on("error", () => gone.abort());
  for (let bytes = 0; bytes < 2 ** 30 && !gone.signal.aborted; bytes += unit.length) {
    if (!target.write(unit)) await once(target, "drain", { signal: gone.signal }).catch(() => gone.abort());
  }
}
