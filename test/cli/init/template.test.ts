// biome-ignore-all lint/suspicious/noTemplateCurlyInString: afk.yaml has them in plain texts.
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { digest as example } from "../../../src/cli/init/digest.ts";
import type { TemplateAnswers } from "../../../src/cli/init/example.ts";
import { renderTemplate } from "../../../src/cli/init/template.ts";
import type { JobSettingsKind } from "../../../src/config/job-kind.ts";
import { load } from "../../config/support.ts";

const digest: JobSettingsKind = {
  kind: "digest",
  settings: v.strictObject({ sources: v.array(v.record(v.string(), v.string())), max_items: v.number() }),
};

const ANSWERS: TemplateAnswers = {
  agent: "morning-digest",
  timezone: "Europe/Berlin",
  dailyCapUsd: 1,
  model: "ollama/qwen2.5:3b",
  feeds: ["https://hnrss.org/frontpage", "https://hnrss.org/newest", "https://example.org:8443/feed?x=${y}"],
};

const loadTemplate = (over: Partial<TemplateAnswers> = {}) =>
  load(renderTemplate({ ...ANSWERS, ...over }, example), { jobKinds: [digest] });

describe("renderTemplate", () => {
  it("names the JSON Schema first, for editors", () => {
    const [first] = renderTemplate(ANSWERS, example).split("\n");
    expect(first).toBe("# yaml-language-server: $schema=./node_modules/afk-agent/afk.schema.json");
  });

  it("takes a path for a folder, unless it ends as files with feeds do", () => {
    const feeds = ["~/notes", "./feed.xml", "/srv/mail"];
    const sources = [{ folder: "~/notes" }, { feed: "./feed.xml" }, { folder: "/srv/mail" }];
    expect(loadTemplate({ feeds }).jobs[0]?.settings).toMatchObject({ sources });
  });

  it("asks no model where the cap is 0, since that refuses free models too", () => {
    expect(loadTemplate({ dailyCapUsd: 0 }).models.chain).toEqual(["extractive"]);
    const text = renderTemplate({ ...ANSWERS, dailyCapUsd: 0 }, example);
    expect(text).toContain('# chain: ["ollama/qwen2.5:3b", "extractive"]    # once the cap is above 0');
  });

  it("gives a file that is accepted, with the answers in it", () => {
    const config = loadTemplate();
    expect(config).toMatchObject({ agent: "morning-digest", timezone: "Europe/Berlin", alerts: [] });
    expect(config.budget.caps.day_micros).toBe(1_000_000);
    expect(config.models.chain).toEqual(["ollama/qwen2.5:3b", "extractive"]);
    expect(config.egress.allow).toEqual(["hnrss.org", "example.org"]);
    expect(config.jobs[0]).toMatchObject({
      name: "digest",
      schedule: { type: "cron", expression: "0 6 * * *" },
    });
    expect(config.jobs[0]?.settings).toMatchObject({ sources: ANSWERS.feeds.map((feed) => ({ feed })) });
  });

  it("reads a folder when there are no feeds, and needs no model when there is none", () => {
    const config = loadTemplate({ feeds: [], model: "extractive" });
    expect(config.egress.allow).toEqual([]);
    expect(config.models.chain).toEqual(["extractive"]);
    expect(config.jobs[0]?.settings).toMatchObject({ sources: [{ folder: "./inbox" }] });
  });

  it("allows no host for a feed in a file", () => {
    expect(loadTemplate({ feeds: ["./feed.xml"] }).egress.allow).toEqual([]);
  });

  it.each([0, 0.000001, 0.29, 1.5, 1_000_000])("writes a cap of %d plainly", (dailyCapUsd) => {
    expect(loadTemplate({ dailyCapUsd }).budget.caps.day_micros).toBe(Math.round(dailyCapUsd * 1e6));
  });

  it("states the defaults that the parser has, so that deleting a line changes nothing", () => {
    const full = loadTemplate();
    const stripped = renderTemplate(ANSWERS, example)
      .split("\n")
      .filter(
        (line) =>
          !/^(breaker|alerts|heartbeat|value|retention| {2}(on_cap|max_output|timeout|requests|warning))/.test(
            line,
          ),
      );
    const bare = load(stripped.join("\n"), { jobKinds: [digest] });
    expect({ ...bare, paths: null }).toEqual({ ...full, paths: null });
  });

  it("stays valid when the commented channels, caps and floor are switched on", () => {
    const text = renderTemplate(ANSWERS, example)
      .replace("alerts: []", "alerts:")
      .replaceAll(/^#( {2}(?:- |[a-z ] ).*)$/gm, "$1")
      .replaceAll(/^( +)# ((?:hourly|weekly|monthly|job|tick|daily)_cap_(?:usd|tokens|calls).*)$/gm, "$1$2")
      .replace(/^value: .*\n# (value: .*)$/m, "$1");
    const environment = {
      TELEGRAM_TOKEN: "1:abc",
      HOOK_URL: "https://hook.example/",
      SMTP_USER: "afk",
      SMTP_PASSWORD: "secret-word",
    };
    const config = load(text, { jobKinds: [digest], environment });
    expect(config.alerts.map((channel) => channel.type)).toEqual(["ntfy", "telegram", "email", "webhook"]);
    expect(config.budget.caps.tick_micros).toBe(500_000);
    expect(config.value.minRatio).toBe(5);
  });
});
