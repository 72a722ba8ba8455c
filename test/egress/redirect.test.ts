import { describe, expect, test } from "vitest";
import { followRedirects } from "../../src/egress/redirect.ts";

describe("followRedirects", () => {
  const answers: Record<string, string> = {
    "https://a.test/": "http://a.test/",
    "http://b.test/": "https://b.test/",
  };
  const visited: string[] = [];
  const follow = (start: string) =>
    followRedirects(
      start,
      (url) => new URL(url),
      async (url) => {
        visited.push(url.href);
        const location = answers[url.href];
        return { status: location ? 301 : 200, headers: { location }, body: new Uint8Array() };
      },
    );

  test("does not follow from https to http", async () => {
    await expect(follow("https://a.test/")).rejects.toMatchObject({
      code: "egress_refused",
      message: expect.stringContaining("not encrypted"),
    });
    expect(visited).toEqual(["https://a.test/"]);
  });

  test("follows from http to https", async () => {
    expect((await follow("http://b.test/")).url.href).toBe("https://b.test/");
  });
});
