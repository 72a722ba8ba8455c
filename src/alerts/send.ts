import { exchange, failureOf, refusal } from "../http/exchange.ts";
import { retryAfterMs } from "../http/retry-after.ts";
import { joinSignals } from "../lib/signals.ts";
import type { ChannelConfig, ChannelRequest, HttpChannel, SendResult } from "./channels/channel.ts";
import type { Mail } from "./channels/email.ts";
import { channelOf } from "./channels/registry.ts";
import type { AlertPayload } from "./events.ts";
import { sendMail } from "./send-mail.ts";

interface SendOptions {
  /** Ends the try from outside, a kill switch say. */
  signal: AbortSignal;
  /** Bound on the whole try. 5 s unless stated. */
  timeoutMs?: number | undefined;
  /** For a `Retry-After` that names a date. */
  nowMs: number;
}

const SEND_TIMEOUT_MS = 5_000;
/** Services repeat the message in their yes, Telegram six bytes for a letter that is not ASCII, and each link once more. */
const REPLY_BYTES_MAX = 128 * 1024;

/**
 * Sends one alert through one channel: exactly one try, no redirect. `status` is what was answered, of HTTP or of the mail
 * server; null when no answer came. Never throws.
 */
export async function sendAlert(
  payload: AlertPayload,
  config: ChannelConfig,
  options: SendOptions,
): Promise<Sent> {
  const make = () => {
    const channel = channelOf(config.type);
    return "message" in channel ? channel.message(payload, config) : channel.request(payload, config);
  };
  return await sendMessage(make, config, options);
}

/** What came of one try, and the code that was answered. */
interface Sent {
  result: SendResult;
  status: number | null;
}

/** The same for one message, whatever it says: what `make` gives is handed in to the channel. What it throws is a failure of the try. */
export async function sendMessage(
  make: () => Mail | ChannelRequest,
  config: ChannelConfig,
  options: SendOptions,
): Promise<Sent> {
  using limit = joinSignals([options.signal], options.timeoutMs ?? SEND_TIMEOUT_MS);
  const { signal } = limit;
  try {
    const message = make();
    const sent =
      "server" in message
        ? await sendMail(message, signal)
        : await sendByHttp(message, config, { signal, nowMs: options.nowMs });
    // What a server took in the last moment is taken.
    if (!sent.result.ok) signal.throwIfAborted();
    return sent;
  } catch (error) {
    const message = limit.isTimedOut() ? "no answer in time" : failureOf(error, options.signal);
    return { result: { ok: false, error: message, retryAfterMs: null, isChannelDown: true }, status: null };
  }
}

async function sendByHttp(
  request: ChannelRequest,
  config: ChannelConfig,
  options: { signal: AbortSignal; nowMs: number },
): Promise<{ result: SendResult; status: number }> {
  const { reply, headers } = await exchange(request, options.signal, REPLY_BYTES_MAX);
  const { status } = reply;
  const channel = channelOf(config.type) as HttpChannel;
  if (status >= 200 && status < 300 && channel.isAccepted(reply)) return { result: { ok: true }, status };
  const askedMs = channel.retryAfterMs?.(reply) ?? retryAfterMs(headers.get("retry-after"), options.nowMs);
  const isChannelDown = !ABOUT_THE_ALERT.has(status);
  const error = refusal(reply, config.url);
  return { result: { ok: false, error, retryAfterMs: askedMs, isChannelDown }, status };
}

/** Refusals of this alert's content (RFC 9110, section 15.5); another may pass. */
const ABOUT_THE_ALERT = new Set([400, 413, 422]);
