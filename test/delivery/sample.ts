import type { ChannelConfig } from "../../src/alerts/channels/channel.ts";
import type { Report, ReportItem } from "../../src/delivery/report.ts";
import type { Result } from "../../src/delivery/result.ts";

export function sampleItem(fields: Partial<ReportItem> = {}): ReportItem {
  return {
    id: "k3",
    title: "A release",
    link: "https://example.org/release",
    byline: "octo-org/tool, 2026-11-28",
    text: "It does two things. Both are new.",
    remark: null,
    ...fields,
  };
}

export function sampleResult(report: Partial<Report> = {}, fields: Partial<Result> = {}): Result {
  return {
    key: "digest@2026-11-29T06:00:00.000Z:phone",
    agent: "morning-digest",
    job: "digest",
    run: "digest@2026-11-29T06:00:00.000Z",
    label: "2026-11-29",
    outcome: "done",
    isNews: true,
    createdMs: Date.UTC(2026, 10, 29, 6, 0, 5),
    pageUrl: null,
    report: {
      title: "Sunday 29 November: 2 new items",
      text: "Two releases.",
      counts: "2 new items from 1 source.",
      sections: [{ heading: "octo-org", items: [sampleItem(), sampleItem({ title: "Another" })] }],
      notes: ["A feed: no answer in time"],
      files: ["digest-2026-11-29.md"],
      ...report,
    },
    ...fields,
  };
}

export function channel(type: string, url: string, settings: unknown = null): ChannelConfig<never> {
  return { type, name: type, url, on: null, template: null, settings: settings as never };
}

/** Titles that somebody who writes a feed could send: markup, mentions, direction, size. */
export const HOSTILE: Record<string, string> = {
  "html tags": '<b>bold</b> & <script>alert(1)</script> <a href="https://evil.example.org">x</a>',
  "html entities": "&lt;b&gt; &amp;amp; &#60; &quot;",
  "quotes in attributes": `" onmouseover="alert(1)" x='y'`,
  "slack mentions": "<!channel> <!here> <@U024BE7LH> <#C024BE7LR> <!subteam^S1>",
  "slack link": "<https://evil.example.org|click>",
  "slack marks": "*bold* _italic_ ~strike~ `code` snake_case_name",
  "discord mentions": "@everyone @here <@123456789012345678> <@&123456789012345678> <#1>",
  "discord marks": "# head **bold** __under__ ~~no~~ ||spoiler|| > quote - list 1. one ```code```",
  "masked link": "[bank](https://evil.example.org) [x](<https://evil.example.org>)",
  "telegram entities": "<tg-spoiler>x</tg-spoiler> @username /command #tag tg://user?id=1",
  "right to left": "\u202Egnp.exe \u2066x\u2069 \u200F\u05D0\u05D1\u05D2 \u061C",
  "hidden characters": "a\u200Bb\u2060c\uFEFFd\u{E0041}",
  emoji: "👩‍👩‍👧‍👦🏳️‍🌈👍🏽🇩🇪 ❤️",
  "half a pair": "a\uD83D b\uDE00 c",
  "control characters": "a\u0000b\u001B[31mred\u001B[0m\r\nBcc: x@example.org\u2028z",
  "combining marks": `z${"\u0337\u0321".repeat(200)}`,
  "not in XML": "a\uFFFEb\uFFFFc\u000Bd]]>e",
  "64 kB": "word ".repeat(13_000),
  "64 kB of one letter": "x".repeat(65_000),
  "64 kB of ampersands": "&".repeat(65_000),
  "64 kB of emoji": "😀".repeat(16_000),
  "64 kB of stars": "*".repeat(65_000),
  "only spaces": "   \t\n ",
};
