import * as v from "valibot";
import type { RemoteConfig } from "../../config/remote.ts";
import type { Clock } from "../../lib/clock.ts";
import { MINUTE_MS } from "../../lib/durations.ts";
import { clip, oneLine } from "../../lib/text.ts";
import { TEXT_CHARS_MAX } from "./message.ts";
import {
  ask,
  type Batch,
  type Incoming,
  type Listening,
  RemoteFailed,
  refused,
  serviceTime,
  type Transport,
} from "./transport.ts";

/** How long the server may hold a request that has nothing to say, in seconds, and how long the answer may take on top. */
const POLL_SECONDS = 25;
const SLACK_MS = 10_000;
const CALL_MS = 10_000;
const LIMIT = 100;
const BYTES_MAX = 2 * 1024 * 1024;
const REPLY_LENGTH_MAX = 4_096;
/** Two programs that poll take the updates from each other; the one that waits leaves the other some. */
const CONFLICT_MS = MINUTE_MS;
const UNAUTHORIZED_MS = 5 * MINUTE_MS;

type TelegramConfig = Extract<RemoteConfig, { type: "telegram" }>;

/** Reads one chat of a bot by long polling (https://core.telegram.org/bots/api#getupdates). */
export function createTelegram(remote: TelegramConfig, clock: Clock): Transport {
  const call = createCall(remote, clock);
  // After an answer that was too long to be read, one update at a time.
  let limit = LIMIT;
  let name: string | null = null;

  async function ownName(signal: AbortSignal): Promise<string> {
    name ??= v.parse(ME, (await call("getMe", {}, { signal, timeoutMs: CALL_MS })).result).username;
    return name;
  }

  async function updates({ cursor, isLook, signal }: Listening): Promise<Batch> {
    const answer = await call(
      "getUpdates",
      {
        ...(cursor === null ? {} : { offset: Number(cursor) }),
        limit,
        timeout: isLook ? 0 : POLL_SECONDS,
        // Edits are asked for to be refused aloud: whoever mends a wrong word must not think that it was obeyed.
        allowed_updates: ["message", "edited_message"],
      },
      { signal, timeoutMs: (isLook ? 0 : POLL_SECONDS * 1_000) + SLACK_MS },
    );
    if (answer.cut !== null) {
      if (limit > 1) limit = 1;
      else if (answer.cut.updateId !== null)
        return { messages: [], cursor: String(answer.cut.updateId + 1), serviceNowMs: answer.serviceNowMs };
      else throw new RemoteFailed("the answer is larger than afk reads, and no update");
      return { messages: [], cursor: null, serviceNowMs: answer.serviceNowMs };
    }
    limit = LIMIT;
    const found = (Array.isArray(answer.result) ? answer.result : [])
      .flatMap((raw) => readUpdate(raw, remote) ?? [])
      .sort((one, other) => one.updateId - other.updateId);
    const last = found.at(-1);
    const messages: Incoming[] = [];
    for (const { incoming } of found)
      if (incoming !== null && (await isForThisBot(incoming.text, () => ownName(signal))))
        messages.push({ ...incoming, text: withoutCommand(incoming.text) });
    return {
      messages,
      cursor: last === undefined ? null : String(last.updateId + 1),
      serviceNowMs: answer.serviceNowMs,
    };
  }

  return {
    async listen(listening) {
      const batch = await updates(listening);
      listening.onAnswer();
      if (batch.cursor !== null) await listening.take(batch);
    },
    async send({ text, actions }, signal) {
      const keyboard = actions.map(({ message }) => [{ text: message }]);
      await call(
        "sendMessage",
        {
          chat_id: remote.chatId,
          text: clip(text, REPLY_LENGTH_MAX),
          link_preview_options: { is_disabled: true },
          // A button of this keyboard sends its text, as if it had been typed.
          ...(keyboard.length > 0 && {
            reply_markup: { keyboard, one_time_keyboard: true, resize_keyboard: true },
          }),
        },
        { signal, timeoutMs: CALL_MS },
      );
    },
  };
}

/** Calls a method of the bot. @throws RemoteFailed unless the answer is a yes. */
export function createCall({ channel }: Pick<TelegramConfig, "channel">, clock: Clock) {
  const base = channel.url.replace(/\/sendMessage(?=$|\?)/, "");
  return async (method: string, body: object, limits: { signal: AbortSignal; timeoutMs: number }) => {
    const address = new URL(base);
    address.pathname += `/${method}`;
    const answered = await ask(address.href, { ...limits, json: body, bytesMax: BYTES_MAX });
    const { reply, headers, isCut } = answered;
    const nowMs = clock.nowMs();
    const serviceNowMs = serviceTime(headers, nowMs);
    if (isCut) {
      const [, id] = /"update_id"\s*:\s*(\d{1,15})\b/.exec(reply.body) ?? [];
      return { result: null, serviceNowMs, cut: { updateId: id === undefined ? null : Number(id) } };
    }
    const answer = v.safeParse(ANSWER, parsed(reply.body));
    if (reply.status === 200 && answer.success && answer.output.ok)
      return { result: answer.output.result, serviceNowMs, cut: null };
    if (reply.status === 409) throw conflict(reply.body, clock);
    if (reply.status === 401 || reply.status === 404)
      throw new RemoteFailed(
        "Telegram does not know the bot's token (HTTP 401); write the one that @BotFather gives",
        { afterMs: UNAUTHORIZED_MS },
        "remote_unauthorized",
      );
    const seconds = answer.success ? (answer.output.parameters?.retry_after ?? null) : null;
    const askedMs = seconds === null ? null : seconds * 1_000;
    throw refused(answered, { address: channel.url, nowMs, askedMs });
  };
}

function conflict(body: string, { isShared }: Clock): RemoteFailed {
  const message = /webhook/i.test(body)
    ? "a webhook is set for this bot, so its messages go elsewhere; delete it: open https://api.telegram.org/bot<token>/deleteWebhook in a browser"
    : isShared
      ? "another machine of the fleet polls this bot, and they take turns; if it is another program, end that one, or make a bot of its own for this agent"
      : "another program polls this bot; end that one, or make a bot of its own for this agent";
  return new RemoteFailed(message, { afterMs: CONFLICT_MS }, "remote_conflict");
}

/** An update, as far as it is used; null for what has no number to confirm it by. `incoming` is null for what is no message. */
function readUpdate(
  raw: unknown,
  { chatId, users }: Pick<TelegramConfig, "chatId" | "users">,
): { updateId: number; incoming: Incoming | null } | null {
  const update = v.safeParse(UPDATE, raw);
  if (!update.success) return null;
  const { update_id: updateId, ...kinds } = update.output;
  const edited = kinds.edited_message ?? kinds.edited_channel_post;
  const found = v.safeParse(MESSAGE, kinds.message ?? edited ?? kinds.channel_post);
  if (!found.success) return { updateId, incoming: null };
  const message = found.output;
  const { chat, from } = message;
  // A post of a channel has no person behind it.
  const isMessage = kinds.message !== undefined || kinds.edited_message !== undefined;
  const isOwner =
    isMessage &&
    String(chat.id) === chatId &&
    chat.type !== "channel" &&
    from?.is_bot === false &&
    message.sender_chat === undefined &&
    users.includes(from.id);
  // What a bot, or another chat, has written was not typed by whoever passed it on.
  const isForwarded = [message.forward_origin, message.forward_date, message.via_bot].some(Boolean);
  const incoming: Incoming = {
    id: String(message.message_id),
    sentAtMs: message.date * 1_000,
    text: oneLine(message.text ?? "", TEXT_CHARS_MAX),
    from: isOwner ? "owner" : "stranger",
    isEdited: edited !== undefined || message.edit_date !== undefined,
    isForwarded,
    sender: `${from?.is_bot ? "bot" : "user"} ${from?.id ?? "unknown"} in chat ${chat.id}`,
  };
  // Photos, voices and notices of the service say nothing that could be obeyed.
  return { updateId, incoming: isOwner && incoming.text === "" ? null : incoming };
}

/** In a group a command may name the bot that it is for. */
async function isForThisBot(text: string, ownName: () => Promise<string>): Promise<boolean> {
  const [, named] = /^\/\w+@(\w+)/.exec(text) ?? [];
  return named === undefined || named.toLowerCase() === (await ownName()).toLowerCase();
}

function withoutCommand(text: string): string {
  return text.replace(/^\/(\w+)(?:@\w+)?/, "$1");
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}

const WHOLE = v.pipe(v.number(), v.safeInteger());
const ANSWER = v.object({
  ok: v.boolean(),
  result: v.optional(v.unknown()),
  parameters: v.optional(v.object({ retry_after: v.optional(v.pipe(v.number(), v.minValue(0))) })),
});
const ME = v.object({ username: v.string() });
const UPDATE = v.object({
  update_id: WHOLE,
  message: v.optional(v.unknown()),
  edited_message: v.optional(v.unknown()),
  channel_post: v.optional(v.unknown()),
  edited_channel_post: v.optional(v.unknown()),
});
const MESSAGE = v.object({
  message_id: WHOLE,
  date: WHOLE,
  edit_date: v.optional(v.unknown()),
  chat: v.object({ id: WHOLE, type: v.optional(v.string()) }),
  from: v.optional(v.object({ id: WHOLE, is_bot: v.boolean() })),
  sender_chat: v.optional(v.unknown()),
  forward_origin: v.optional(v.unknown()),
  forward_date: v.optional(v.unknown()),
  via_bot: v.optional(v.unknown()),
  text: v.optional(v.string()),
});
