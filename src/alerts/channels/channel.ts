import type * as v from "valibot";
import type { AlertPayload } from "../events.ts";

/** A channel as it is configured. Plain data: it is compared, hashed and handed to other threads. */
export interface ChannelConfig<Settings = unknown> {
  type: string;
  /** As afk.yaml names it; else its type, with a number where that is taken. */
  name: string;
  url: string;
  /** Event names; null is every event of severity warn and above. */
  on: string[] | null;
  template: string | null;
  /** What the type's own keys say; null for a type that has none. */
  settings: Settings;
}

/** The HTTP request that delivers an alert or a result; its method is POST. */
export interface ChannelRequest {
  url: string;
  method: "POST";
  headers: Record<string, string>;
  body: string;
}

/** What the service answered; the body is cut at a few kilobytes. */
interface ChannelReply {
  status: number;
  body: string;
}

/**
 * What came of one try. `error` is for people and holds no address and no token. `isChannelDown` is true when
 * another alert would fare the same at present.
 */
export type SendResult =
  | { ok: true }
  | { ok: false; error: string; retryAfterMs: number | null; isChannelDown: boolean };

/** An entry of `alerts:` as this type of channel sees it: the address, and the keys of its own. */
export type Entry<Keys extends v.ObjectEntries> = { url: string } & v.InferOutput<
  v.ObjectSchema<Keys, undefined>
>;

/**
 * What a type of channel says of its configuration. A type without keys of its own, whose address can be any, states
 * nothing. Methods, so that a channel with settings of its own type can stand in the registry.
 */
export interface Configurable<Settings, Keys extends v.ObjectEntries> {
  /** The keys that entries of this type alone may have; each is optional. */
  keys?: Keys;
  /** What an entry of this type must have, in JSON Schema, for editors. */
  jsonSchema?: object;
  /** What is wrong with an entry whose keys are each right, or null. */
  fault?(entry: Entry<Keys>): string | null;
  /** The address and the settings that an entry without fault stands for. */
  read?(entry: Entry<Keys>): { url: string; settings: Settings };
  /** Whether an address that stands alone (ALERT_WEBHOOK) is of this type. */
  recognises?(url: URL): boolean;
  /** How an address looks that says everything, where not every address of the type does. */
  wholeAddress?: { example: string; lacking: string };
  /** Schemes of the type's addresses where they are not http and https; and whose such an address is, for people. */
  scheme?: { pattern: RegExp; owner: string };
  /** Who gets it at the address, where one address serves several. */
  recipient?(settings: Settings): string;
  /** What must not be shown of it; unless stated, the address and its long parts. */
  secrets?(settings: Settings): string[];
}

/** A channel that is one HTTP request. `request` is a pure function, so that it is tested without a network. */
export interface HttpChannel<Settings = unknown, Keys extends v.ObjectEntries = v.ObjectEntries>
  extends Configurable<Settings, Keys> {
  /** Keeps to the service's limits. @throws AfkError `channel_misconfigured` when the configuration cannot work. */
  request(payload: AlertPayload, config: ChannelConfig<Settings>): ChannelRequest;
  /** Whether a 2xx answer is a yes: some services, and every login page in the way, say 200 and mean no. */
  isAccepted(reply: ChannelReply): boolean;
  /** How many milliseconds the service asks to wait, where it says so in the body; `Retry-After` is read for all. */
  retryAfterMs?(reply: ChannelReply): number | null;
}

/** A POST of `body` as JSON. */
export function postJson(url: string, body: object, headers: Record<string, string> = {}): ChannelRequest {
  const type = { "content-type": "application/json" };
  return { url, method: "POST", headers: { ...type, ...headers }, body: JSON.stringify(body) };
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
