import { type ChannelConfig, postJson } from "../../alerts/channels/channel.ts";
import { escapeMrkdwn, NO_MARK } from "../../alerts/channels/slack.ts";
import { clip } from "../../lib/text.ts";
import { headlineOf, type Result } from "../result.ts";
import { blocksOf, limited, type Markup } from "./blocks.ts";

/** https://docs.slack.dev/reference/block-kit/blocks */
const BLOCKS_MAX = 50;
const SECTION_MAX = 3_000;
const HEADER_MAX = 150;
/** Of a message's sections together; Slack refuses long ones as `msg_blocks_too_long` and does not say from where on. */
const MESSAGE_MAX = 12_000;

/** Slack's mrkdwn (https://docs.slack.dev/messaging/formatting-message-text); a mark at a word's start would begin bold, italics, code or a strike. */
const markup: Markup = {
  escape: (text) => escapeMrkdwn(text).replace(/(?<![\p{L}\p{N}])[*_~`](?=\S)/gu, `${NO_MARK}$&`),
  bold: (text) => `*${text}*`,
  // `|` ends an address, and `>` the link; a title may hold neither.
  link: (text, address) =>
    `<${address.replace(/[|<>]/g, encodeURIComponent).replaceAll("&", "&amp;")}|${text.replaceAll("|", "¦")}>`,
};

/** One request for each message to a Slack webhook; services that know no blocks show the text, which says the same. */
export function slackForm(result: Result, config: ChannelConfig) {
  const [, ...sections] = blocksOf(result, markup, SECTION_MAX);
  const title = clip(headlineOf(result), HEADER_MAX);
  const header = { type: "header", text: { type: "plain_text", text: title, emoji: false } };
  const parts = limited(inMessages(sections), result, (rest) => [markup.escape(rest)]);
  return parts.map((texts, index) => {
    const blocks = texts.map((text) => ({ type: "section", text: { type: "mrkdwn", text, verbatim: true } }));
    const isFirst = index === 0;
    return postJson(config.url, {
      text: [...(isFirst ? [markup.bold(markup.escape(title))] : []), ...texts].join("\n\n"),
      blocks: isFirst ? [header, ...blocks] : blocks,
      unfurl_links: false,
      unfurl_media: false,
    });
  });
}

function inMessages(sections: readonly string[]): string[][] {
  const messages: string[][] = [[]];
  let length = 0;
  for (const section of sections) {
    // The first has a header besides.
    const count = messages.at(-1)?.length ?? 0;
    if (count >= BLOCKS_MAX - 1 || (count > 0 && length + section.length > MESSAGE_MAX)) {
      messages.push([]);
      length = 0;
    }
    messages.at(-1)?.push(section);
    length += section.length;
  }
  return messages;
}
