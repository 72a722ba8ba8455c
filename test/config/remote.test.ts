import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadConfig } from "../../src/config/load.ts";
import { type RemoteConfig, remotesOf } from "../../src/config/remote.ts";
import { messageOf } from "../../src/lib/errors.ts";
import { createRedactor } from "../../src/lib/redact.ts";
import { tempDir } from "../support/temp.ts";

const BOT = "https://api.telegram.org/bot7000000001:AAEhBOweik6ad9r_QXMENQjcrGbqCr4K-bc/sendMessage";
const TOPIC = "answers-5w2kq8x8fk2m4p";
const telegram = (chat_id: number | string) => ({ name: "phone", type: "telegram", url: BOT, chat_id });
const ntfy = (name: string, url = "https://ntfy.sh/alerts-abcdefghijkl") => ({ name, type: "ntfy", url });

function load(alerts: object[], remote: object, environment: Record<string, string> = {}) {
  const dir = tempDir();
  const configFile = join(dir, "afk.yaml");
  const file = {
    agent: "a",
    budget: { daily_cap_usd: 1 },
    models: { chain: ["extractive"] },
    alerts,
    remote,
  };
  writeFileSync(configFile, JSON.stringify(file));
  return loadConfig({ environment, configFile, jobKinds: [], cwd: dir });
}

const refused = (alerts: object[], remote: object) => {
  try {
    load(alerts, remote);
  } catch (error) {
    return messageOf(error);
  }
  return "";
};

test.each<[string, object[], object, string]>([
  ["a channel that is not there", [telegram(1)], { telegram: { channel: "phon" } }, "Did you mean phone?"],
  [
    "a channel of another type",
    [ntfy("phone")],
    { telegram: { channel: "phone" } },
    "is a channel of type ntfy",
  ],
  ["a public channel", [telegram("@news")], { telegram: { channel: "phone" } }, "have no sender"],
  ["a group without users", [telegram(-100)], { telegram: { channel: "phone" } }, "write users:"],
  [
    "users of a private chat",
    [telegram(5)],
    { telegram: { channel: "phone", users: [6] } },
    "leave users out",
  ],
  ["a topic that can be guessed", [ntfy("phone")], { ntfy: { topic: "stop-my-agent" } }, "16 to 64"],
  ["a topic with a slash", [ntfy("phone")], { ntfy: { topic: "abcdefghijklmnop/qrst" } }, "16 to 64"],
  ["the topic of the alerts", [ntfy("phone")], { ntfy: { topic: "alerts-abcdefghijkl" } }, "its own alerts"],
  [
    "the address of the alerts",
    [ntfy("phone")],
    { ntfy: { topic: "https://ntfy.sh/alerts-abcdefghijkl?auth=abc" } },
    "its own alerts",
  ],
  ["no channel for the answers", [telegram(5)], { ntfy: { topic: TOPIC } }, "no channel of type ntfy"],
  ["two channels for the answers", [ntfy("a"), ntfy("b")], { ntfy: { topic: TOPIC } }, "write channel:"],
  ["an unknown key", [ntfy("a")], { ntfy: { topic: TOPIC, resume: true } }, "resume"],
])("refuses %s", (_name, alerts, remote, words) => {
  expect(refused(alerts, remote)).toContain(words);
});

test("reads a private chat as its person's, and a group as its users'", () => {
  const of = (chat: number, users?: number[]) =>
    remotesOf(load([telegram(chat)], { telegram: { channel: "phone", ...(users && { users }) } }))[0];
  expect(of(5)).toMatchObject({ chatId: "5", users: [5] });
  expect(of(-100, [6, 7])).toMatchObject({ chatId: "-100", users: [6, 7] });
});

test("puts a topic on the server of its channel, with the channel's access", () => {
  const address = (topic: string, url?: string) =>
    (remotesOf(load([ntfy("phone", url)], { ntfy: { topic } }))[0] as RemoteConfig & { type: "ntfy" })
      .replyAddress;
  expect(address(TOPIC)).toBe(`https://ntfy.sh/${TOPIC}`);
  expect(address(TOPIC, "https://example.org/push/alerts?auth=abc")).toBe(
    `https://example.org/push/${TOPIC}?auth=abc`,
  );
  expect(address(`${TOPIC}?auth=xyz`, "https://example.org/alerts?auth=abc")).toBe(
    `https://example.org/${TOPIC}?auth=xyz`,
  );
  expect(address(`https://ntfy.example.org/${TOPIC}`)).toBe(`https://ntfy.example.org/${TOPIC}`);
});

test("hides the topic and the bot's token in every log", () => {
  const { secrets } = load([telegram(5), ntfy("push")], {
    telegram: { channel: "phone" },
    ntfy: { topic: TOPIC },
  });
  const redact = createRedactor(secrets);
  const line = `GET https://ntfy.sh/${TOPIC}/json and ${BOT.replace("sendMessage", "getUpdates")}`;
  expect(redact(line)).not.toContain(TOPIC);
  expect(redact(line)).not.toContain("AAEhBOweik6ad9r");
});
