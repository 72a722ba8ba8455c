import { describe, expect, test } from "vitest";
import type { ChannelConfig, HttpChannel } from "../../../src/alerts/channels/channel.ts";
import type { ChannelType } from "../../../src/alerts/channels/registry.ts";
import { CHANNELS, channelId } from "../../../src/alerts/channels/registry.ts";
import { readChannels } from "../../../src/alerts/channels/schema.ts";
import type { AlertPayload } from "../../../src/alerts/events.ts";
import { sampleChannel, samplePayload } from "../payload.ts";

type HttpType = Exclude<ChannelType, "email">;

const URLS: Record<HttpType, string> = {
  webhook: "https://hooks.example.org/in?x=1",
  ntfy: "https://ntfy.sh/my-topic",
  discord: "https://discord.com/api/webhooks/1/token?thread_id=7",
  slack: "https://hooks.slack.com/services/T/B/x",
  telegram: "https://api.telegram.org/bot123:ABC",
};
const TYPES = Object.keys(URLS) as HttpType[];

function requestOf(type: HttpType, payload: Partial<AlertPayload> = {}, config: Partial<ChannelConfig> = {}) {
  const channel: HttpChannel = CHANNELS[type];
  const request = channel.request(samplePayload(payload), sampleChannel(type, URLS[type], config));
  return { ...request, body: JSON.parse(request.body) };
}

const reply = (status: number, body: unknown) => ({
  status,
  body: typeof body === "string" ? body : JSON.stringify(body),
});

describe("every channel", () => {
  test.each(TYPES)("%s posts JSON that any header and any text survive", (type) => {
    const request = requestOf(type, { title: 'a "q" 😀\n\ud83d', key: "ключ\n\ud83d/1" });
    expect(request.method).toBe("POST");
    expect(() => new Headers(request.headers)).not.toThrow();
    expect(request.headers["content-type"]).toBe("application/json");
    expect(JSON.stringify(request.body)).toContain("😀");
  });

  test.each(TYPES)("%s shows the rendered template", (type) => {
    const { body } = requestOf(type, {}, { template: "afk alert: {agent} at {pct}% of {period} cap" });
    expect(JSON.stringify(body)).toContain("afk alert: morning-digest at 100% of the day's cap");
  });

  test.each(TYPES)("%s is named without its address, and another address has another name", (type) => {
    const id = channelId(sampleChannel(type, URLS[type]));
    expect(id).toMatch(new RegExp(`^${type}:[0-9a-f]{16}$`));
    expect(id).not.toBe(channelId(sampleChannel(type, `${URLS[type]}x`)));
    expect(id).toBe(channelId(sampleChannel(type, URLS[type], { on: [], template: "x" })));
  });
});

test("one bot or mail server has another name for each chat and for other recipients", () => {
  const ids = ["1", "2"].flatMap((one) => [
    channelId(sampleChannel("telegram", URLS.telegram, { settings: { chatId: one } })),
    channelId(sampleChannel("email", "smtps://mail.example.org", { settings: { to: [`${one}@a.example`] } })),
  ]);
  expect(new Set(ids).size).toBe(4);
});

describe("webhook", () => {
  test("sends the payload as it is, and its key as a header", () => {
    const request = requestOf("webhook");
    expect(request.url).toBe(URLS.webhook);
    expect(request.body).toEqual(samplePayload());
    expect(request.headers["idempotency-key"]).toBe("cap_hit%2Fday%2F2026-11-21");
  });

  test("adds the rendered template as text", () => {
    expect(requestOf("webhook", {}, { template: "{event}" }).body).toEqual({
      ...samplePayload(),
      text: "cap_hit",
    });
  });
});

describe("ntfy", () => {
  test("publishes to the server's root with the topic in the body", () => {
    const { url, body } = requestOf("ntfy", { severity: "error", event: "job_dead" });
    expect(url).toBe("https://ntfy.sh/");
    expect(body).toEqual({
      topic: "my-topic",
      title: "morning-digest: The day's cap is reached",
      message: "No model call was made.",
      priority: 5,
      tags: ["rotating_light", "job_dead"],
    });
  });

  test.each([
    ["https://push.example.org:8443/base/topic/", "https://push.example.org:8443/base", "topic"],
    ["https://ntfy.sh/topic?auth=abc", "https://ntfy.sh/?auth=abc", "topic"],
    ["https://user:pw@ntfy.sh/t%C3%BC", "https://user:pw@ntfy.sh/", "tü"],
  ])("%s is taken apart", (url, root, topic) => {
    const request = CHANNELS.ntfy.request(samplePayload(), sampleChannel("ntfy", url));
    expect([request.url, JSON.parse(request.body).topic]).toEqual([root, topic]);
  });

  test("an address without a topic is refused without repeating it", () => {
    expect(() =>
      CHANNELS.ntfy.request(samplePayload(), sampleChannel("ntfy", "https://s3cret.example/")),
    ).toThrow(
      expect.objectContaining({
        code: "channel_misconfigured",
        message: expect.not.stringContaining("s3cret"),
      }),
    );
  });

  test("the priority follows the severity", () => {
    expect(
      ["info", "warn", "error"].map(
        (severity) => requestOf("ntfy", { severity } as AlertPayload).body.priority,
      ),
    ).toEqual([2, 4, 5]);
  });

  test("message and title keep to the server's bytes and never hold half a character", () => {
    for (const letter of ["a", "ü", "€", "😀"]) {
      for (const before of ["", "a", "ab", "abc"]) {
        const { body } = requestOf("ntfy", {
          title: before + letter.repeat(5_000),
          message: before + letter.repeat(5_000),
        });
        expect(Buffer.byteLength(body.message)).toBeLessThanOrEqual(4_096);
        expect(Buffer.byteLength(body.message)).toBeGreaterThan(4_088);
        expect(Buffer.byteLength(body.title)).toBeLessThanOrEqual(1_000);
        expect(body.message.isWellFormed() && !body.message.includes("\ufffd")).toBe(true);
      }
    }
  });

  test("an empty message is not sent empty", () => {
    expect(requestOf("ntfy", { message: "" }).body.message).toBe("The day's cap is reached");
  });

  test("a page of something else under a 200 is no yes", () => {
    expect(CHANNELS.ntfy.isAccepted(reply(200, { id: "abc", event: "message" }))).toBe(true);
    expect(CHANNELS.ntfy.isAccepted(reply(200, "<html>Please sign in</html>"))).toBe(false);
    expect(CHANNELS.ntfy.isAccepted(reply(200, { code: 40001, error: "bad" }))).toBe(false);
  });
});

describe("discord", () => {
  test("waits for the message to be kept and mentions nobody", () => {
    const { url, body } = requestOf("discord", { message: "@everyone" });
    expect(url).toBe("https://discord.com/api/webhooks/1/token?thread_id=7&wait=true");
    expect(body).toEqual({
      content: "[warn] morning-digest: The day's cap is reached\n@everyone",
      allowed_mentions: { parse: [] },
    });
  });

  test("reads no text of an alert as markup, but its template's own", () => {
    const title = "[Approve](https://evil.example/x) <#7> **now**";
    const shown = String.raw`\[Approve\](https://evil.example/x) \<#7\> \*\*now\*\*`;
    expect(requestOf("discord", { title, message: "# a_b" }).body.content).toBe(
      String.raw`[warn] morning-digest: ${shown}${"\n"}\# a\_b`,
    );
    expect(requestOf("discord", { title }, { template: "**{title}**" }).body.content).toBe(`**${shown}**`);
  });

  test("says when it may be asked again", () => {
    expect(CHANNELS.discord.retryAfterMs?.(reply(429, { retry_after: 1.337 }))).toBe(1_337);
    expect(CHANNELS.discord.retryAfterMs?.(reply(429, "busy"))).toBeNull();
  });

  test("accepts a kept message and no empty word", () => {
    expect(CHANNELS.discord.isAccepted(reply(200, { id: "1" }))).toBe(true);
    expect(CHANNELS.discord.isAccepted(reply(204, ""))).toBe(true);
    expect(CHANNELS.discord.isAccepted(reply(200, { message: "Invalid", code: 50035 }))).toBe(false);
  });
});

describe("slack", () => {
  test("escapes what Slack would read as markup", () => {
    const { body } = requestOf("slack", { title: "<!channel> & co", message: "" });
    expect(body.text).toBe("[warn] morning-digest: &lt;!channel&gt; &amp; co");
    expect(body.blocks).toEqual([
      {
        type: "section",
        text: { type: "plain_text", text: "[warn] morning-digest: <!channel> & co", emoji: false },
      },
    ]);
  });

  test("makes no link and mentions nobody where the text is read as Markdown", () => {
    const title = "[Approve](https://evil.example/x) @all a@b.example https://c.example/@me [::1]:80";
    const { body } = requestOf("slack", { title, message: "[1]: https://evil.example" });
    expect(body.text).not.toMatch(/\](?:[([]|:\D)|@all/);
    expect(body.text.replaceAll("\u200b", "")).toContain(`${title}\n[1]: https://evil.example`);
    expect(body.text).toContain("a@b.example https://c.example/@me [::1]:80");
  });

  test.each([
    [200, "ok", true],
    [200, { ok: true }, true],
    [200, { success: true }, true],
    [200, "no_service", false],
    [200, { ok: false, error: "invalid_blocks" }, false],
    [200, "", false],
    [200, "<html>", false],
  ])("an answer of %i %j is accepted: %s", (status, body, isAccepted) => {
    expect(CHANNELS.slack.isAccepted(reply(status, body))).toBe(isAccepted);
  });
});

describe("telegram", () => {
  test.each(["", "/", "/sendMessage", "/sendMessage/"])(
    "is sent to sendMessage when the address ends in %j",
    (end) => {
      const entry = { type: "telegram", url: URLS.telegram + end, chat_id: "-100123" };
      const [channel] = readChannels([entry], null);
      const request = CHANNELS.telegram.request(
        samplePayload(),
        channel as ChannelConfig<{ chatId: string }>,
      );
      expect(request.url).toBe("https://api.telegram.org/bot123:ABC/sendMessage");
      expect(JSON.parse(request.body)).toEqual({
        chat_id: "-100123",
        text: "[warn] morning-digest: The day's cap is reached\nNo model call was made.",
        link_preview_options: { is_disabled: true },
      });
    },
  );

  test("an error under a 200 is no yes, and its wait is read", () => {
    expect(CHANNELS.telegram.isAccepted(reply(200, { ok: true, result: {} }))).toBe(true);
    expect(CHANNELS.telegram.isAccepted(reply(200, { ok: false, error_code: 400 }))).toBe(false);
    expect(CHANNELS.telegram.isAccepted(reply(200, "ok"))).toBe(false);
    expect(CHANNELS.telegram.retryAfterMs?.(reply(429, { ok: false, parameters: { retry_after: 34 } }))).toBe(
      34_000,
    );
    expect(CHANNELS.telegram.retryAfterMs?.(reply(429, { ok: false }))).toBeNull();
  });
});

test.each([
  ["discord", (body: { content: string }) => body.content, 2_000],
  ["slack", (body: { blocks: [{ text: { text: string } }] }) => body.blocks[0].text.text, 3_000],
  ["telegram", (body: { text: string }) => body.text, 4_096],
] as const)("%s keeps to its limit and never splits a pair", (type, textOf, max) => {
  for (const before of ["", "a"]) {
    const text = textOf(requestOf(type, { message: "" }, { template: before + "😀".repeat(3_000) }).body);
    expect(text.length).toBeGreaterThan(max - 2);
    expect(text.length).toBeLessThanOrEqual(max);
    expect(text.isWellFormed() && !text.includes("\ufffd")).toBe(true);
    const exact = "x".repeat(max);
    expect(textOf(requestOf(type, {}, { template: exact }).body)).toBe(exact);
  }
});
