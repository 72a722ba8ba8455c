import { describe, expect, test } from "vitest";
import { readLines, ServerSilent } from "../../src/http/lines.ts";
import { contentServer } from "../support/content-server.ts";

const NEVER = new AbortController().signal;
const LIMITS = { signal: NEVER, lineCharsMax: 10, silenceMs: 5_000 };

async function linesOf(pieces: string[], changes: Partial<typeof LIMITS> = {}) {
  const server = await contentServer({
    "/": async (_request, response) => {
      response.writeHead(200);
      for (const piece of pieces) {
        response.write(piece);
        await new Promise((resolve) => setImmediate(resolve));
      }
      response.end();
    },
  });
  const lines: string[] = [];
  const failure = await readLines(
    server.origin,
    { ...LIMITS, ...changes },
    () => undefined,
    async (line) => {
      lines.push(line);
    },
  );
  return { lines, failure };
}

describe("the lines of a reply that goes on", () => {
  test("are whole, however they come", async () => {
    expect((await linesOf(["one\ntw", "o", "\nthr", "ee\n"])).lines).toEqual(["one", "two", "three"]);
  });

  test("are passed over where they are too long, and nothing else is", async () => {
    const long = "x".repeat(25);
    expect((await linesOf([`a\n${long}\nb\n`, long, long, "c\nd\n", `${long}\n`, "e\n"])).lines).toEqual([
      "a",
      "b",
      "d",
      "e",
    ]);
  });

  test("a refusal has the start of its body", async () => {
    const server = await contentServer({
      "/": { status: 429, headers: { "retry-after": "7" }, body: "x".repeat(9_000) },
    });
    const failure = await readLines(
      server.origin,
      LIMITS,
      () => undefined,
      async () => undefined,
    );
    expect(failure).toMatchObject({ status: 429, headers: { "retry-after": "7" } });
    expect(failure!.body).toHaveLength(4_096);
  });

  test("a server that falls silent is left", async () => {
    const server = await contentServer({
      "/": (_request, response) => void response.writeHead(200).write("one\n"),
    });
    const lines: string[] = [];
    const reading = readLines(
      server.origin,
      { ...LIMITS, silenceMs: 200 },
      () => undefined,
      async (line) => {
        lines.push(line);
      },
    );
    await expect(reading).rejects.toThrow(ServerSilent);
    expect(lines).toEqual(["one"]);
  });

  test("end with the signal, at once", async () => {
    const server = await contentServer({
      "/": (_request, response) => void response.writeHead(200).write("one\n"),
    });
    const over = new AbortController();
    const reading = readLines(
      server.origin,
      { ...LIMITS, signal: over.signal },
      () => undefined,
      async () => over.abort(),
    );
    await expect(reading).rejects.toThrow();
  });

  test("an error of whoever takes them comes through as it is", async () => {
    const server = await contentServer({ "/": "one\ntwo\n" });
    class Mine extends Error {}
    const reading = readLines(
      server.origin,
      LIMITS,
      () => undefined,
      async () => {
        throw new Mine("mine");
      },
    );
    await expect(reading).rejects.toThrow(/mine/);
  });
});
