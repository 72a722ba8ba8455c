import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished, vi } from "vitest";
import type { AlertPayload } from "../../../src/alerts/events.ts";
import type { Config } from "../../../src/config/config.ts";
import { loadConfig } from "../../../src/config/load.ts";
import { setKill } from "../../../src/rails/kill.ts";
import type { Obey, RemoteQuestion, RemoteQuestions } from "../../../src/runner/remote/message.ts";
import { besidePhone, type PhoneSources } from "../../../src/runner/remote/phone.ts";
import { isStop } from "../../../src/runner/remote/stop-words.ts";
import { createSender } from "../../../src/runner/sender.ts";
import { testRails } from "../../support/rails.ts";
import type { RailsOn } from "../../support/rails-on.ts";
import { CHAT } from "../../support/telegram-server.ts";
import { tempDir } from "../../support/temp.ts";

export const TOPIC = "agent-alerts-5w2kq8";
export const REPLY_TOPIC = "agent-replies-x8fk2m4p";

/** What a test of the phone works with: real rails on a real store, and verbs that only note what they were given. */
export interface OnThePhone {
  rails: RailsOn;
  config: Config;
  obeyed: string[];
  alerts: AlertPayload[];
  questions: RemoteQuestion[];
  asked: string[];
  phone: PhoneSources;
  /** Reads the phone until the test ends, or the function that it gives is called. */
  start(): () => Promise<void>;
  events(): string[];
}

/** An agent whose configuration has these channels and this `remote:`. */
export async function onThePhone(
  alerts: readonly object[],
  remote: object,
  changes: { dir?: string; obey?: Obey } = {},
): Promise<OnThePhone> {
  const dir = changes.dir ?? tempDir();
  const raised: AlertPayload[] = [];
  const rails = await testRails({ dir, onAlert: (alert) => raised.push(alert) });
  const configFile = join(dir, "afk.yaml");
  writeFileSync(
    configFile,
    JSON.stringify({
      agent: "test-agent",
      budget: { daily_cap_usd: 1 },
      models: { chain: ["extractive"] },
      alerts,
      remote,
    }),
  );
  const config = loadConfig({ environment: {}, configFile, state: dir, jobKinds: [], cwd: dir });
  const obeyed: string[] = [];
  const questions: RemoteQuestion[] = [];
  const asked: string[] = [];
  const { store, outbox, log, watch } = rails;
  const clock = { ...rails.clock, nowMs: () => Date.now() };
  const current = () => config;
  const hasNews = () => false;
  const sender = createSender({ store, outbox, clock, log, current, hasNews, watch });
  onTestFinished(() => sender.close());
  const waiting: RemoteQuestions = {
    next: async () => questions.splice(0),
    sent: async (id) => void asked.push(id),
  };
  const obey: Obey = async (trx, { text }, by) => {
    obeyed.push(text);
    if (isStop(text)) {
      await setKill(trx, outbox.announce, `phone: ${by}`, clock.nowMs());
      return { reply: "Stopped." };
    }
    if (text === "status") return { reply: null, after: async () => "All is well." };
    return { reply: `Unknown: ${text}` };
  };
  const phone: PhoneSources = {
    store,
    outbox,
    sender,
    rails,
    clock,
    log,
    renew: async () => ({}) as never,
    hasNews,
    current,
    obey: changes.obey ?? obey,
    questions: waiting,
  };
  const start = () => {
    const over = Promise.withResolvers<void>();
    const ended = besidePhone(phone, { looksFirst: false }, () => over.promise);
    const stop = async () => {
      over.resolve();
      await ended;
    };
    onTestFinished(stop);
    return stop;
  };
  const events = () => rails.logged.map(({ event }) => event);
  return { rails, config, obeyed, alerts: raised, questions, asked, phone, start, events };
}

/** The channel and `remote:` of a Telegram bot on loopback. */
export function telegramPhone(url: string, chatId: number = CHAT) {
  return [
    [{ name: "phone", type: "telegram", url, chat_id: chatId }],
    { telegram: { channel: "phone" } },
  ] as const;
}

/** The channel and `remote:` of two topics of an ntfy server on loopback. */
export function ntfyPhone(origin: string, auth = "") {
  return [
    [{ name: "phone", type: "ntfy", url: `${origin}/${TOPIC}${auth}` }],
    { ntfy: { topic: REPLY_TOPIC } },
  ] as const;
}

/** Waits until it holds. */
export async function until(holds: () => boolean, timeout = 20_000): Promise<void> {
  await vi.waitUntil(holds, { timeout, interval: 20 });
}
