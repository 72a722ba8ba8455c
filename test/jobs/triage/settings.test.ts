import * as v from "valibot";
import { describe, expect, test } from "vitest";
import type { Config } from "../../../src/config/config.ts";
import { readDraft } from "../../../src/jobs/actions/read-draft.ts";
import type { TriageSettings } from "../../../src/jobs/triage/settings.ts";
import { triage } from "../../../src/jobs/triage/triage.ts";

const schema = triage.settings as v.GenericSchema<unknown, TriageSettings>;
const BASE = { sources: [{ folder: "in" }], labels: { urgent: "what cannot wait", other: "all else" } };

describe("settings of triage", () => {
  test("have no priority, fields or rules, and 30 items, unless stated", () => {
    expect(v.parse(schema, BASE)).toMatchObject({
      priority: false,
      fields: {},
      rules: [],
      maxItems: 30,
      instructions: null,
    });
  });

  test.each([
    ["one label", { labels: { urgent: "what cannot wait" } }, "write 2 to 20 labels"],
    ["a label with a space", { labels: { "very urgent": "a", other: "b" } }, "small letters"],
    [
      "a choice without options",
      { fields: { kind: { description: "a", type: "choice" } } },
      "write options together with type: choice",
    ],
    [
      "options of a text",
      { fields: { kind: { description: "a", options: ["a", "b"] } } },
      "write options together with type: choice",
    ],
    ["a draft of nothing", { when: [{ label: "urgent", do: "draft" }] }, "write one or more of reply"],
    [
      "a delivery with a reply",
      { when: [{ label: "urgent", do: "deliver", reply: "a" }] },
      "write one or more of reply",
    ],
    [
      "a folder without a reply",
      { when: [{ label: "urgent", do: "draft", comment: "a", drafts: "b" }] },
      "write drafts together with reply",
    ],
    [
      "a user name with a slash",
      { when: [{ label: "urgent", do: "draft", assign: ["a/b"] }] },
      "GitHub user names",
    ],
    ["something else to do", { when: [{ label: "urgent", do: "send" }] }, "write one of deliver, draft"],
  ])("refuse %s", (_name, change, message) => {
    const { issues } = v.safeParse(schema, { ...BASE, ...change });
    expect(issues?.map((issue) => issue.message).join()).toContain(message);
  });

  test("take the names that GitHub gives to the accounts of a company, in settings and in drafts", () => {
    const when = [{ label: "urgent", do: "draft", assign: ["mona_octo"] }];
    const sources = [{ github: "mona_octo/lamp", token: "token" }];
    const settings = v.parse(schema, { ...BASE, sources, when });
    expect(settings.rules[0]?.assign).toEqual(["mona_octo"]);
    const from = { job: "inbox", source: "0".repeat(32) };
    const place = { from, api: "https://api.github.com", repository: "mona_octo/lamp", number: 1 };
    const content = { ...place, assignees: ["mona_octo"] };
    expect(readDraft("github_assign", JSON.stringify(content)).content).toEqual(content);
  });

  test.each([
    [{ when: [{ label: "urgnt", do: "deliver" }] }, "when[0].label", "Did you mean urgent?"],
    [{ when: [{ label: "urgent", priority: 2, do: "deliver" }] }, "when[0].priority", "write priority: true"],
    [{ when: [{ label: "urgent", do: "draft", reply: "a" }] }, "when[0].reply", "needs a source with imap"],
    [
      { when: [{ label: "urgent", do: "draft", comment: "a" }] },
      "when[0].comment",
      "needs a source with github,",
    ],
    [
      {
        sources: [{ github: "octo-org/octo-repo" }],
        when: [{ label: "urgent", do: "draft", assign: ["a"] }],
      },
      "when[0].assign",
      "needs a source with github and a token",
    ],
  ])("find %j at %s", (change, path, message) => {
    const config = { egress: { allow: ["api.github.com"] } } as unknown as Config;
    const issues = triage.check!(v.parse(schema, { ...BASE, ...change }), config);
    expect(issues).toEqual([{ path, message: expect.stringContaining(message) }]);
  });
});
