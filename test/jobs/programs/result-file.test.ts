// @module-tag processes
import { describe, expect, test } from "vitest";
import type { RunGateway } from "../../../src/jobs/job.ts";
import { harness } from "../containment/harness.ts";

const hand = (result: unknown, rest = "") => [
  "sh",
  "-c",
  `cat > "$AFK_RESULT" <<'END'\n${typeof result === "string" ? result : JSON.stringify(result)}\nEND\n${rest}`,
];

describe("what a program writes into AFK_RESULT", () => {
  test("becomes the run's units, words, items, files and drafts", async () => {
    const at = harness();
    const draft = { url: "https://example.org/hook", json: { text: "hello" } };
    const result = await at.run(
      hand({
        units: 2,
        summary: "found two",
        title: "Two things",
        text: "They are below.",
        items: [{ title: "One", link: "https://example.org/1", text: "of two" }, { title: "Two" }],
        files: [{ name: "two.md", content: "# Two\n" }],
        drafts: [{ name: "tell them", action: "post", content: draft }],
        newest_input: "2026-11-21T05:00:00Z",
        cost_usd: 0.0000015,
      }),
    );
    expect(result).toMatchObject({
      units: 2,
      summary: "found two",
      newestInputMs: Date.UTC(2026, 10, 21, 5),
      report: {
        title: "Two things",
        text: "They are below.",
        counts: "found two",
        sections: [
          { items: [{ title: "One", link: "https://example.org/1", text: "of two" }, { title: "Two" }] },
        ],
        isNews: true,
      },
      printed: [{ key: "https://example.org/1", source: "work" }, { key: "Two" }],
    });
    expect(at.last().files).toEqual(new Map([["two.md", "# Two\n"]]));
    expect(at.last().drafts).toEqual([{ name: "tell them", action: "post", content: draft }]);
    // Rounded up: what is charged is never less.
    expect(at.last().charged).toEqual([2]);
  });

  test("with no unit and no item is no news", async () => {
    const result = await harness().run(hand({ units: 0, summary: "nothing new" }));
    expect(result).toMatchObject({ units: 0, report: { isNews: false } });
  });

  test.each([
    ["no JSON", "units: 2", /is no JSON; write an object with any of the keys units, summary/],
    ["an unknown key", { unit: 2 }, /refused at "unit": write an object with any of the keys units/],
    ["units that are none", { units: -1 }, /refused at "units": write a whole number from 0 to 10000/],
    ["a name with a folder", { files: [{ name: "../x", content: "" }] }, /a name without a folder/],
    ["a script's address", { items: [{ title: "x", link: "javascript:alert(1)" }] }, /https:\/\/ or http/],
    ["a cost below nothing", { cost_usd: -1 }, /in US dollars, from 0 to 10000/],
  ])("fails the job, and says what to write, for %s", async (_name, written, message) => {
    const at = harness();
    await expect(at.run(hand(written))).rejects.toMatchObject({
      code: "bad_result",
      message: expect.stringMatching(message),
    });
    expect(at.last().charged).toEqual([]);
  });

  const draft = (name: string, action = "post") => ({
    name,
    action,
    content: { url: "https://example.org/hook", text: "hello" },
  });

  test.each([
    ["two drafts of one name", [draft("tell"), draft("tell")], "bad_result", /a name of its own/],
    ["a draft with a long name", [draft("x".repeat(151))], "bad_result", /at most 150 characters/],
    [
      "an action that there is not",
      [draft("tell"), draft("them", "postt")],
      "bad_draft",
      /^job work: .* AFK_RESULT is refused at "drafts\.1": no action is named "postt"\. Did you mean post\?$/,
    ],
    [
      "content that its action refuses",
      [{ ...draft("tell"), content: { url: "ftp://x" } }],
      "bad_draft",
      /refused at "drafts\.0": .*"url": write a whole address/,
    ],
  ])(
    "is not recorded with %s, so that a retry runs the program again",
    async (_name, drafts, code, message) => {
      const at = harness();
      await expect(at.run(hand({ drafts }))).rejects.toMatchObject({
        code,
        message: expect.stringMatching(message),
      });
      expect([...at.last().memory.steps.keys()]).toEqual([]);
    },
  );

  test("is charged also when the rest of it is refused, and when the program fails", async () => {
    const at = harness();
    await expect(at.run(hand({ cost_usd: 0.25, unit: 1 }))).rejects.toMatchObject({ code: "bad_result" });
    expect(at.last().charged).toEqual([250_000]);
    await expect(at.run(hand({ cost_usd: 0.5 }, "echo broken >&2; exit 3"))).rejects.toThrow(
      "sh exited with 3: broken",
    );
    expect(at.last().charged).toEqual([500_000]);
  });

  test("is read up to 1 MiB", async () => {
    const large = ["sh", "-c", 'head -c 1048577 /dev/zero > "$AFK_RESULT"'];
    await expect(harness().run(large)).rejects.toThrow(/is larger than 1024 KiB; write less/);
  });

  test.each([
    ["a link", 'ln -s /etc/hostname "$AFK_RESULT"'],
    ["a pipe", 'mkfifo "$AFK_RESULT"'],
    ["a folder", 'mkdir "$AFK_RESULT"'],
  ])("is not followed, and not waited for, where it is %s", async (_name, script) => {
    await expect(harness().run(["sh", "-c", script])).rejects.toMatchObject({ code: "bad_result" });
  });

  test("shows no secret of its env_file", async () => {
    const result = await harness().run(["sh", "-c", `printf '{"title":"%s"}' "$WORD" > "$AFK_RESULT"`], {
      variables: { WORD: "correct-horse" },
    });
    expect(result.report?.title).toBe("[redacted]");
  });

  test("is read behind a gateway too, which says what the run was charged", async () => {
    const at = harness();
    const gateway: RunGateway = {
      url: "http://127.0.0.1:1",
      service: { port: 40123, accept: () => undefined },
      key: "afk_key",
      maxOutputTokens: 1,
      aliases: [],
      requests: () => 1,
      costMicros: async () => 42,
      refusedBy: () => null,
      signal: new AbortController().signal,
      [Symbol.asyncDispose]: async () => undefined,
    };
    await at.run(hand({ units: 5 }), { settings: { gateway: true }, gateway });
    expect(JSON.parse(at.last().memory.steps.get("run")!)).toMatchObject({
      costMicros: 42,
      handed: { units: 5 },
    });
  });
});
