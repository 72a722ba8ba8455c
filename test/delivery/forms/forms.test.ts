import { parseFeed } from "feedsmith";
import { describe, expect, it } from "vitest";
import { discordForm } from "../../../src/delivery/forms/discord.ts";
import { emailForm } from "../../../src/delivery/forms/email.ts";
import { atomFeed } from "../../../src/delivery/forms/feed.ts";
import { htmlDocument } from "../../../src/delivery/forms/html.ts";
import { ntfyForm } from "../../../src/delivery/forms/ntfy.ts";
import { slackForm } from "../../../src/delivery/forms/slack.ts";
import { telegramForm } from "../../../src/delivery/forms/telegram.ts";
import { plainText } from "../../../src/delivery/forms/text.ts";
import { webhookForm } from "../../../src/delivery/forms/webhook.ts";
import { readReport } from "../../../src/delivery/read-report.ts";
import type { Report } from "../../../src/delivery/report.ts";
import type { Result } from "../../../src/delivery/result.ts";
import { channel, HOSTILE, sampleItem, sampleResult } from "../sample.ts";

const TELEGRAM = channel("telegram", "https://api.telegram.org/bot1:a/sendMessage", { chatId: "7" });
const DISCORD = channel("discord", "https://discord.com/api/webhooks/1/a");
const SLACK = channel("slack", "https://hooks.slack.com/services/a");
const NTFY = channel("ntfy", "https://ntfy.sh/topic");
const HOOK = channel("webhook", "https://example.org/hook");
const MAIL = channel("email", "smtp://localhost:25", {
  from: "afk@example.org",
  to: ["me@example.org"],
  user: null,
  password: null,
  isTlsRequired: true,
});

const bodies = (requests: { body: string }[]) => requests.map(({ body }) => JSON.parse(body));
const telegram = (result: Result) => bodies(telegramForm(result, TELEGRAM)).map(({ text }) => String(text));
const discord = (result: Result) =>
  bodies(discordForm(result, DISCORD)).map(({ content }) => String(content));
const sectionsOf = (result: Result) =>
  bodies(slackForm(result, SLACK)).map(({ blocks }) => blocks as { type: string; text: { text: string } }[]);

/** As it is when it was kept: what forms get has gone through this. */
const kept = (report: Partial<Report>, fields: Partial<Result> = {}) => {
  const { report: whole, ...rest } = sampleResult(report, fields);
  const told = readReport(whole, (text) => text);
  if (typeof told === "string") throw new Error(told);
  const { isNews: _isNews, ...bounded } = told;
  return { ...rest, report: bounded };
};
const withItems = (count: number, item = {}) =>
  kept({
    sections: [
      {
        heading: null,
        items: Array.from({ length: count }, (_, index) => sampleItem({ title: `Item ${index}.`, ...item })),
      },
    ],
  });

describe.each(Object.entries(HOSTILE))("a title of %s", (_, title) => {
  const item = sampleItem({ title, text: title, byline: title, remark: title });
  const result = kept({
    title,
    text: title,
    counts: title,
    notes: [title],
    sections: [{ heading: title, items: [item, item] }],
  });

  it("stays within Telegram's limit and is text alone", () => {
    for (const text of telegram(result)) {
      expect(text.length).toBeLessThanOrEqual(4_096);
      expect(text.isWellFormed()).toBe(true);
      // Nothing but the tags of ours, each closed.
      const rest = text.replace(/<b>|<\/b>|<a href="https:\/\/example\.org\/release">|<\/a>/g, "");
      expect(rest).not.toMatch(/[<>"]/);
      expect(rest).not.toMatch(/&(?!(?:amp|lt|gt|quot);)/);
      expect(text.split("<b>").length).toBe(text.split("</b>").length);
      expect(text.split("<a ").length).toBe(text.split("</a>").length);
    }
  });

  it("stays within Discord's limit and mentions nobody", () => {
    for (const request of bodies(discordForm(result, DISCORD))) {
      expect(request.content.length).toBeLessThanOrEqual(2_000);
      expect(request.content.isWellFormed()).toBe(true);
      expect(request.allowed_mentions).toEqual({ parse: [] });
      const own = request.content.replace(/\[[^\n]*\]\(<https:\/\/example\.org\/release>\)/g, "");
      // Every mark that could begin a mention or a link is a character.
      expect(own).not.toMatch(/(?<!\\)[<[]/);
    }
  });

  it("stays within Slack's limits and mentions nobody", () => {
    const messages = sectionsOf(result);
    for (const blocks of messages) {
      expect(blocks.length).toBeLessThanOrEqual(50);
      for (const { type, text } of blocks) {
        expect(text.text.length).toBeGreaterThan(0);
        expect(text.text.length).toBeLessThanOrEqual(type === "header" ? 150 : 3_000);
        expect(text.text.isWellFormed()).toBe(true);
        if (type === "header") continue;
        const rest = text.text.replace(/<https:\/\/example\.org\/release\|[^<>|]*>/g, "");
        expect(rest).not.toMatch(/[<>]/);
        expect(rest).not.toMatch(/&(?!(?:amp|lt|gt);)/);
      }
    }
    for (const { text } of bodies(slackForm(result, SLACK))) expect(text).not.toMatch(/<[!@#]/);
  });

  it("stays within ntfy's limits", () => {
    const [request] = bodies(ntfyForm(result, NTFY));
    expect(Buffer.byteLength(request.message)).toBeLessThanOrEqual(4_096);
    expect(Buffer.byteLength(request.title)).toBeLessThanOrEqual(1_000);
    expect(request.message.trim()).not.toBe("");
  });

  it("is text in HTML, and cannot begin a header of a mail", () => {
    const mail = emailForm(result, MAIL);
    expect(mail.subject).not.toMatch(/\p{Cc}/u);
    expect(mail.subject.length).toBeLessThanOrEqual(150);
    const html = mail.html ?? "";
    expect(
      html.replace(/<\/?(?:!doctype|html|head|meta|title|body|h1|h2|h3|p|ul|li|a)\b[^<>]*>/g, ""),
    ).not.toMatch(/[<>]/);
    expect(html).not.toMatch(/<[^>]*\son\w+=/);
    expect(Object.values(mail.headers).join("")).not.toMatch(/[\r\n]/);
  });

  it("is well-formed in the feed, and shown as it is", () => {
    const feed = parseFeed(atomFeed([result], { agent: "morning-digest", url: null, nowMs: 0 }));
    expect(feed.format).toBe("atom");
    expect(feed.feed).toMatchObject({ entries: [{ title: { value: `digest: ${result.report.title}` } }] });
  });
});

describe("Telegram", () => {
  it("gets one message where it fits, in its markup", () => {
    expect(bodies(telegramForm(sampleResult(), TELEGRAM))).toEqual([
      {
        chat_id: "7",
        parse_mode: "HTML",
        link_preview_options: { is_disabled: true },
        text: [
          "<b>digest: Sunday 29 November: 2 new items</b>",
          "Two releases.",
          "2 new items from 1 source.",
          '<b>octo-org</b>\n<b><a href="https://example.org/release">A release</a></b>\nocto-org/tool, 2026-11-28 · k3\nIt does two things. Both are new.',
          '<b><a href="https://example.org/release">Another</a></b>\nocto-org/tool, 2026-11-28 · k3\nIt does two things. Both are new.',
          "A feed: no answer in time",
          "To rate an item: afk rate k3 up, or down.",
          "Files: digest-2026-11-29.md",
        ].join("\n\n"),
      },
    ]);
  });

  it("gets a message of exactly 4,096 characters whole, and two for one more", () => {
    const base = (text: string) => kept({ text, counts: null, sections: [], notes: [], files: [] });
    const room = 4_096 - (telegram(base("x"))[0] ?? "").length + 1;
    expect(telegram(base("x".repeat(room))).map(({ length }) => length)).toEqual([4_096]);
    expect(telegram(base("x".repeat(room + 1)))).toHaveLength(2);
  });

  it("gets every item once and whole, however many messages it takes", () => {
    const texts = telegram(withItems(60, { text: "A sentence of some length. ".repeat(20) }));
    expect(texts.length).toBeGreaterThan(5);
    const titles = texts.flatMap((text) => [...text.matchAll(/>(Item \d+\.)</g)].map(([, title]) => title));
    expect(titles).toEqual(Array.from({ length: 60 }, (_, index) => `Item ${index}.`));
    for (const text of texts)
      expect(text.match(/<b><a /g)?.length ?? 0).toBe(text.match(/octo-org\/tool/g)?.length ?? 0);
  });

  it("gets at most twenty messages; the last one says where the rest is", () => {
    const texts = telegram(withItems(500, { text: "y".repeat(1_000) }));
    expect(texts).toHaveLength(20);
    expect(texts.at(-1)).toBe("The rest did not fit in 20 messages. Files: digest-2026-11-29.md");
  });

  it("keeps the title of an item whose link is longer than a message", () => {
    const link = `https://example.org/?${"&".repeat(1_900)}`;
    const [text = ""] = telegram(withItems(1, { link }));
    expect(text).toContain("<b>Item 0.</b>");
    expect(text).not.toContain("href");
  });
});

describe("Discord", () => {
  it("splits at whole items, and leaves addresses in a text as they are", () => {
    const texts = discord(
      withItems(20, { text: `See https://example.org/a_b_c(d) now. ${"z".repeat(300)}` }),
    );
    expect(texts.length).toBeGreaterThan(3);
    expect(texts.join("\n")).toContain("https://example.org/a_b_c(d)");
    const titles = texts.flatMap((text) => [...text.matchAll(/\[(Item \d+\.)\]/g)].map(([, title]) => title));
    expect(new Set(titles).size).toBe(20);
  });

  it("ends no link early by its address", () => {
    const [text = ""] = discord(withItems(1, { link: "https://example.org/a_(b)?c=%3E)" }));
    expect(text).toContain("[Item 0.](<https://example.org/a_%28b%29?c=%3E%29>)");
  });

  it.each([
    "https://a.example.org](https://b.example.org)",
    "https://a.example.org]\\(https://b.example.org)",
  ])("takes no address in a title for the end of its link: %s", (title) => {
    const [text = ""] = discord(withItems(1, { title }));
    // What ends the text of a link, and is not escaped.
    expect(text.match(/(?<!\\)(?:\\\\)*\]\([^)]*\)/g)?.map((found) => found.replace(/^\\+/, ""))).toEqual([
      "](<https://example.org/release>)",
    ]);
  });

  it("asks for an answer, and for no previews", () => {
    const [request] = discordForm(sampleResult(), DISCORD);
    expect(request?.url).toBe("https://discord.com/api/webhooks/1/a?wait=true");
    expect(JSON.parse(request?.body ?? "")).toMatchObject({ flags: 4 });
  });
});

describe("Slack", () => {
  it("gets at most 50 blocks in a message, each item in one", () => {
    const messages = sectionsOf(withItems(120, { text: "short" }));
    expect(messages.map(({ length }) => length)).toEqual([50, 49, expect.any(Number)]);
    expect(messages.flat().filter(({ text }) => /\|Item \d+\.>/.test(text.text))).toHaveLength(120);
    expect(messages[0]?.[0]).toMatchObject({ type: "header", text: { type: "plain_text" } });
  });

  it("reads nothing into a text that it was not told", () => {
    for (const { type, text } of sectionsOf(sampleResult()).flat())
      if (type === "section") expect(text).toMatchObject({ type: "mrkdwn", verbatim: true });
  });

  it("keeps an address whole, and a name with underscores", () => {
    const [blocks = []] = sectionsOf(
      withItems(1, { title: "a_name|x", link: "https://example.org/?a=1&b=<2>|3" }),
    );
    expect(blocks.map(({ text }) => text.text).join("\n")).toContain(
      "*<https://example.org/?a=1&amp;b=%3C2%3E%7C3|a_name¦x>*",
    );
  });
});

describe("ntfy", () => {
  it("gets a headline with the count, the titles, and where a touch leads", () => {
    expect(bodies(ntfyForm(sampleResult(), NTFY))).toEqual([
      {
        topic: "topic",
        title: "digest: Sunday 29 November: 2 new items",
        message: "2 new items from 1 source.\n• A release\n• Another\nA feed: no answer in time",
        click: "https://example.org/release",
        priority: 3,
        tags: ["newspaper"],
      },
    ]);
    const [paged] = bodies(ntfyForm(sampleResult({}, { pageUrl: "https://vm.example.org/" }), NTFY));
    expect(paged.click).toBe("https://vm.example.org/");
    const waiting = `Left out: ${"a long title; ".repeat(40)}`;
    const [brief] = bodies(ntfyForm(sampleResult({ notes: [waiting] }), NTFY));
    expect(brief.message.split("\n").at(-1)).toMatch(/^Left out: .{109}…$/);
    const [bare] = bodies(ntfyForm(sampleResult({ sections: [], counts: null, text: "", notes: [] }), NTFY));
    expect(bare).not.toHaveProperty("click");
    expect(bare.message).not.toBe("");
  });
});

describe("a webhook", () => {
  it("gets the whole result, and its key by which to drop a repeat", () => {
    const [request] = webhookForm(sampleResult(), HOOK);
    expect(request?.headers["idempotency-key"]).toBe("digest%402026-11-29T06%3A00%3A00.000Z%3Aphone");
    const { report, ...about } = sampleResult();
    expect(JSON.parse(request?.body ?? "")).toEqual({
      version: 1,
      event: "result",
      agent: about.agent,
      job: about.job,
      run: about.run,
      period: about.label,
      outcome: "done",
      isNews: true,
      ts: "2026-11-29T06:00:05.000Z",
      key: about.key,
      ...report,
    });
  });

  it("has another header for each of a run's results, however long its key is", () => {
    const run = "счёт-".repeat(30);
    const keys = [`${run}:phone`, `${run}:phone:dead`, `${run}:phone:again:2026-11-29T06:00:00.000Z`];
    const sent = keys.map(
      (key) => webhookForm(sampleResult({}, { key }), HOOK)[0]?.headers["idempotency-key"],
    );
    expect(new Set(sent).size).toBe(keys.length);
    for (const header of sent) expect(header).toMatch(/^[\x21-\x7e]{1,255}$/);
  });
});

describe("an e-mail", () => {
  it("is text and HTML with the links, a thread of its own", () => {
    const mail = emailForm(sampleResult(), MAIL);
    expect(mail.subject).toBe("digest: Sunday 29 November: 2 new items");
    expect(mail.text).toContain(
      "A release\nocto-org/tool, 2026-11-28 · k3\nIt does two things. Both are new.\nhttps://example.org/release",
    );
    expect(mail.html).toContain(
      '<a href="https://example.org/release" rel="noopener noreferrer nofollow">A release</a>',
    );
    expect(mail.headers).toEqual({
      "auto-submitted": "auto-generated",
      "list-id": "<digest.morning-digest.example.org>",
    });
  });

  it("has the same id at every try, and each result and receiver another", () => {
    const id = (fields: Partial<Result>) => emailForm(sampleResult({}, fields), MAIL).messageId;
    expect(id({})).toMatch(/^<[0-9a-f]{32}@example\.org>$/);
    expect(id({})).toBe(id({}));
    expect(new Set([id({}), id({ key: "other" }), id({ createdMs: 1 })]).size).toBe(3);
  });
});

describe("the feed", () => {
  it("is Atom, with what RFC 4287 demands", () => {
    const results = [
      sampleResult({}, { run: "b", createdMs: 2_000 }),
      sampleResult({}, { run: "a", createdMs: 1_000 }),
    ];
    const xml = atomFeed(results, {
      agent: "morning-digest",
      url: "https://vm.example.org/feed.xml",
      nowMs: 9,
    });
    const { format, feed } = parseFeed(xml);
    expect(format).toBe("atom");
    expect(feed).toMatchObject({
      id: expect.stringMatching(
        /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
      ),
      title: { value: "morning-digest" },
      authors: [{ name: "morning-digest" }],
      links: [{ rel: "self", href: "https://vm.example.org/feed.xml" }],
      entries: [
        { content: { type: "html", value: expect.stringContaining("A release") } },
        { links: [{ href: "https://example.org/release" }] },
      ],
    });
    const ids = [...xml.matchAll(/<id>(.*?)<\/id>/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(3);
    expect(xml.match(/<updated>/g)).toHaveLength(3);
    expect(
      atomFeed(results, { agent: "morning-digest", url: "https://vm.example.org/feed.xml", nowMs: 10 }),
    ).toBe(xml);
  });

  it("is one without entries, too", () => {
    const xml = atomFeed([], { agent: "a", url: null, nowMs: 0 });
    expect(parseFeed(xml)).toMatchObject({ format: "atom", feed: { updated: "1970-01-01T00:00:00.000Z" } });
  });
});

describe("plain text and a page", () => {
  it("say the same as the others", () => {
    expect(plainText(sampleResult())).toContain(
      "- A feed: no answer in time\n\nTo rate an item: afk rate k3 up, or down.\n\nFiles: digest-2026-11-29.md\n",
    );
    expect(htmlDocument(sampleResult())).toMatch(/^<!doctype html>/);
  });
});

describe("a report that a job hands in", () => {
  it.each([
    ["no title", { text: "x" }, "title"],
    ["a list of nothing", { title: "x", sections: [{ items: [{}] }] }, "sections.0.items.0.title"],
    ["a number for a text", { title: "x", notes: [1] }, "notes.0"],
    ["a text", "x", "it"],
  ])("is refused with %s", (_, given, where) => {
    expect(readReport(given, (text) => text)).toMatch(new RegExp(`^${where.replaceAll(".", "\\.")}:`));
  });

  it.each([
    ["javascript:alert(1)", null],
    ["data:text/html,x", null],
    ["https://user:pass@example.org/", null],
    ["/relative", null],
    ["https://example.org/a b", "https://example.org/a%20b"],
    ["https://example.org/the-secret-word", null],
  ])("may lead to the web alone: %s", (link, expected) => {
    const redact = (text: string) => text.replaceAll("the-secret-word", "[redacted]");
    const told = readReport({ title: "x", sections: [{ items: [sampleItem({ link })] }] }, redact);
    expect(typeof told === "string" ? told : told.sections[0]?.items[0]?.link).toBe(expected);
  });

  it("has its secrets taken out, wherever they stand, and keeps its lines", () => {
    const redact = (text: string) => text.replaceAll("hunter2hunter2", "[redacted]");
    const secret = "a  hunter2hunter2\tb\n  c";
    const told = readReport(
      {
        title: secret,
        text: secret,
        counts: secret,
        notes: [secret],
        sections: [{ heading: secret, items: [sampleItem({ title: secret, text: secret })] }],
      },
      redact,
    );
    expect(JSON.stringify(told)).not.toContain("hunter2");
    expect(told).toMatchObject({ text: "a  [redacted]\tb\n  c" });
  });
});
