import * as v from "valibot";
import { integer, list, section, text } from "./fields.ts";

/** Whose messages the agent obeys: each an alert channel that is read as well. */
export function remoteSchema() {
  return v.pipe(
    section(
      "The phone: what the owner may send to the agent. It can stop, pause, ask and answer, and nothing else.",
      {
        telegram: v.optional(
          section("The bot of an alert channel, whose chat is read.", {
            channel: channelName("The name of a channel of type telegram; its chat alone is obeyed."),
            users: v.optional(
              list(
                "In a group, who of its members is obeyed.",
                "write a list of the numbers of Telegram users, for example [123456789]",
                integer(
                  "The number of a Telegram user.",
                  "the number of a Telegram user",
                  [1, 9_007_199_254_740_991],
                ),
                50,
              ),
            ),
          }),
        ),
        ntfy: v.optional(
          section("A second, secret topic that the buttons of the alert channel post to.", {
            channel: v.optional(
              channelName(
                "The name of a channel of type ntfy, where answers go; the only one unless stated.",
              ),
            ),
            topic: text(
              `The topic that is read: its name, on the channel's server, or its whole address. Whoever knows it can stop the agent, so best given as \${NAME}.`,
              `write a topic of 16 to 64 letters, digits, - and _ that nobody can guess, or its whole address, for example \${REPLY_TOPIC}`,
              TOPIC,
              500,
            ),
          }),
        ),
      },
    ),
    v.transform(({ telegram, ntfy }) => ({
      telegram: telegram === undefined ? null : { channel: telegram.channel, users: telegram.users ?? [] },
      ntfy: ntfy === undefined ? null : { channel: ntfy.channel ?? null, topic: ntfy.topic },
    })),
  );
}

/** Long enough that nobody guesses it, and no longer than ntfy takes. */
const TOPIC = /^(?:https?:\/\/[^\s/?#@]+\/(?:[^\s?#]*\/)?)?[-_A-Za-z0-9]{16,64}(?:\?[^\s#]+)?$/;

function channelName(description: string) {
  const write = "write the name of a channel under alerts, for example phone";
  return text(description, write, /^[a-z0-9][a-z0-9-]*$/, 64);
}
