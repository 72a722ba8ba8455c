import type { ChannelConfig } from "../../config/config.ts";
import type { AlertPayload } from "../events.ts";
import type { HttpReply, HttpRequest } from "../exchange.ts";

/** The one HTTP request that delivers an alert. */
export type ChannelRequest = HttpRequest & { method: "POST"; body: string };

export type ChannelReply = HttpReply;

/**
 * What came of one try. `error` is for people and holds no address and no token. `isChannelDown` is true when
 * another alert would fare the same at present.
 */
export type SendResult =
  | { ok: true }
  | { ok: false; error: string; retryAfterMs: number | null; isChannelDown: boolean };

/**
 * A way to deliver alerts. `request` is a pure function, so that a channel is tested without a network. To add
 * one, copy the file of another, list it in registry.ts and its name in ChannelType.
 */
export interface Channel {
  /** Keeps to the service's limits. @throws AfkError `channel_misconfigured` when the configuration cannot work. */
  request(payload: AlertPayload, config: ChannelConfig): ChannelRequest;
  /** Whether a 2xx answer is a yes: some services, and every login page in the way, say 200 and mean no. */
  isAccepted(reply: ChannelReply): boolean;
  /** How long the service asked to be left alone, where it says so in the body; `Retry-After` is read for all. */
  retryAfterMs?(reply: ChannelReply): number | null;
}

/** The body as a JSON object, or null. */
export function jsonOf(reply: ChannelReply): Record<string, unknown> | null {
  let value: unknown;
  try {
    value = JSON.parse(reply.body);
  } catch {
    return null;
  }
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : null;
}

/** A number of seconds from a reply, in milliseconds. */
export function secondsToMs(seconds: unknown): number | null {
  return typeof seconds === "number" && seconds >= 0 ? Math.ceil(seconds * 1000) : null;
}
