import type { ChannelConfig, ChannelRequest, SendResult } from "../alerts/channels/channel.ts";
import type { Mail } from "../alerts/channels/email.ts";
import type { ChannelType } from "../alerts/channels/registry.ts";
import { sendMessage } from "../alerts/send.ts";
import type { Config } from "../config/config.ts";
import type { Target } from "../config/deliver.ts";
import { messageOf } from "../lib/errors.ts";
import type { OutputFile } from "../queue/publish.ts";
import type { Db } from "../store/schema.ts";
import { writeCopy, writeFeed } from "./files.ts";
import { discordForm } from "./forms/discord.ts";
import { emailForm } from "./forms/email.ts";
import { ntfyForm } from "./forms/ntfy.ts";
import { slackForm } from "./forms/slack.ts";
import { telegramForm } from "./forms/telegram.ts";
import { webhookForm } from "./forms/webhook.ts";
import { feedResults } from "./read-results.ts";
import type { Result } from "./result.ts";

/** One of the messages that a result is sent as: one try, which never throws. `status` is the code that was answered. */
export type Part = (how: {
  signal: AbortSignal;
  timeoutMs: number;
  nowMs: number;
}) => Promise<{ result: SendResult; status: number | null }>;

/** Every type of channel, and the form that its messages have. */
const FORMS: Record<
  ChannelType,
  { make(result: Result, config: ChannelConfig<never>): (Mail | ChannelRequest)[] }
> = {
  ntfy: { make: ntfyForm },
  webhook: { make: webhookForm },
  discord: { make: discordForm },
  slack: { make: slackForm },
  telegram: { make: telegramForm },
  email: { make: (result, config) => [emailForm(result, config)] },
};

/** Between two messages of one result: what the services take in a row. */
const PACE_MS: Partial<Record<string, number>> = { slack: 1_100, telegram: 1_100, discord: 500 };

/** How long to wait between two messages to a target. */
export function paceMs(target: Target): number {
  return target.type === "channel" ? (PACE_MS[target.channel.type] ?? 0) : 0;
}

/** The messages that a result is for a target, in order; always the same for the same result. */
export function partsOf(result: Result, target: Target, { db, config }: { db: Db; config: Config }): Part[] {
  switch (target.type) {
    case "channel": {
      const { channel } = target;
      try {
        const messages = FORMS[channel.type as ChannelType].make(result, channel as ChannelConfig<never>);
        return messages.map((message) => (how) => sendMessage(() => message, channel, how));
      } catch (error) {
        // An address that cannot work.
        return [async () => failed(error)];
      }
    }
    case "feed":
      return [
        written(async (nowMs) => {
          writeFeed(await feedResults(db, config), config, nowMs);
        }),
      ];
    case "file":
      return [
        written(async () => {
          await writeCopy(target, result, await filesOf(db, result), config.paths);
        }),
      ];
  }
}

function written(write: (nowMs: number) => Promise<void>): Part {
  return async ({ nowMs }) => {
    try {
      await write(nowMs);
      return { result: { ok: true }, status: null };
    } catch (error) {
      return failed(error);
    }
  };
}

function failed(error: unknown): Awaited<ReturnType<Part>> {
  return {
    result: { ok: false, error: messageOf(error), retryAfterMs: null, isChannelDown: true },
    status: null,
  };
}

async function filesOf(db: Db, { report }: Result): Promise<OutputFile[]> {
  if (report.files.length === 0) return [];
  return await db
    .selectFrom("outputs")
    .select(["name", "content"])
    .where("name", "in", report.files)
    .orderBy("name")
    .execute();
}
