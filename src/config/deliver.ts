import * as v from "valibot";
import type { ChannelConfig } from "../alerts/channels/channel.ts";
import { CHANNELS, channelId } from "../alerts/channels/registry.ts";
import { addressKeys, channelOfEntry, HOST_CHANNEL } from "../alerts/channels/schema.ts";
import { didYouMean } from "../lib/nearest.ts";
import { section, text } from "./fields.ts";

/** Which results a receiver wants: all, those with something new, or the word that a run failed for good. */
export type When = "always" | "new" | "failed";

/** Minutes of the day in the agent's time zone, from the first up to the second; across midnight where that is the smaller. */
export interface QuietHours {
  from: number;
  until: number;
}

/** Where a receiver's results go. */
export type Target =
  | { type: "channel"; channel: ChannelConfig }
  | { type: "feed" }
  /** `path` is absolute; in a folder the files keep their names. */
  | { type: "file"; path: string; isFolder: boolean };

/** One entry of `jobs[].deliver`. */
export interface ReceiverConfig {
  /** A channel's name; else the type, with a number for a second one of the same job. */
  name: string;
  when: When;
  quietHours: QuietHours | null;
  target: Target;
}

const WRITE_QUIET = 'write from when until when, for example "22:00-07:00"';
const QUIET = /^\s*([01]?\d|2[0-3]):([0-5]\d)\s*[-–]\s*([01]?\d|2[0-4]):([0-5]\d)\s*$/;
const WRITE_TO =
  "write the name of a channel of alerts:, or ntfy, telegram, slack, discord, email, webhook (each with its address), feed or file";
const WRITE_PATH = "write the path of a file or, with / at its end, of a folder; for example ./digests/";

/** The list `deliver` of a job, as people write it. */
export function deliverSchema() {
  const { to: mailTo, ...keys } = addressKeys() as ReturnType<typeof addressKeys> & { to: v.GenericSchema };
  const entry = section("One receiver of the job's results.", {
    to: text(
      "A channel of alerts: by its name, or a type of receiver.",
      WRITE_TO,
      /^[a-z0-9][a-z0-9-]*$/,
      64,
    ),
    when: v.optional(
      v.pipe(
        v.picklist(["always", "new", "failed"]),
        v.description(
          "new: results with something new in them; always: every result, and that a run failed for good; failed: that alone.",
        ),
      ),
      "new",
    ),
    quiet_hours: v.optional(quietHours()),
    path: v.optional(
      text("File only: where a copy is written; a folder ends in /.", WRITE_PATH, /^[^\0]+$/, 2000),
    ),
    ...keys,
    mail_to: mailTo,
  });
  return v.optional(
    v.pipe(
      v.array(entry, "write a list of receivers, for example [{ to: email }, { to: feed }]"),
      v.maxLength(20, "write at most 20 receivers"),
      v.description("Who gets the job's results (docs/delivery.md)."),
    ),
    [],
  );
}

/** An entry whose keys are each right. */
type DeliverEntry = v.InferOutput<ReturnType<typeof deliverSchema>>[number];

/** What the entries come to, or what is wrong with one; paths start at the list. `channels` null: those are not known. */
export function readReceivers(
  entries: readonly DeliverEntry[],
  { channels, atBase }: { channels: readonly ChannelConfig[] | null; atBase: (path: string) => string },
): { receivers: ReceiverConfig[]; issues: { path: (string | number)[]; message: string }[] } {
  const receivers: ReceiverConfig[] = [];
  const issues: { path: (string | number)[]; message: string }[] = [];
  const named = entries.flatMap(({ to, url }) => (url === undefined && !LOCAL.includes(to) ? [to] : []));
  for (const [index, entry] of entries.entries()) {
    const target = targetOf(entry, channels, atBase);
    if (target === null) continue;
    if (typeof target === "string") {
      issues.push({ path: [index], message: target });
      continue;
    }
    const isNamed = target.type === "channel" && entry.url === undefined;
    const receiver = { name: entry.to, when: entry.when, quietHours: entry.quiet_hours ?? null, target };
    const twin = receivers.find(
      (other) => isAtOnePlace(other, receiver) && overlap(other.when, receiver.when),
    );
    if (twin !== undefined) {
      const whose = twin.name === entry.to ? "" : `, here and as ${twin.name}`;
      const message = `${entry.to} gets the same results twice${whose}; write one entry, with when: always for all of them`;
      issues.push({ path: [index, "to"], message });
    }
    receivers.push(isNamed ? receiver : { ...receiver, name: freeName(entry.to, receivers, named) });
  }
  return { receivers, issues };
}

function isAtOnePlace({ target: one }: ReceiverConfig, { target: other }: ReceiverConfig): boolean {
  if (one.type === "channel" && other.type === "channel")
    return channelId(one.channel) === channelId(other.channel);
  return one.type === "file" && other.type === "file" ? one.path === other.path : one.type === other.type;
}

function overlap(one: When, other: When): boolean {
  return one === other || one === "always" || other === "always";
}

/** A type is a receiver's name where it is free: neither another receiver's nor that of a channel that the job names. */
function freeName(type: string, receivers: readonly ReceiverConfig[], named: readonly string[]): string {
  const taken = new Set([...receivers.map(({ name }) => name), ...named]);
  let name = type;
  for (let number = 2; taken.has(name); number++) name = `${type}-${number}`;
  return name;
}

const LOCAL = ["feed", "file"];

function targetOf(
  { to, url, path, mail_to, when: _when, quiet_hours: _quiet, ...own }: DeliverEntry,
  channels: readonly ChannelConfig[] | null,
  atBase: (path: string) => string,
): Target | string | null {
  const address = { ...(url !== undefined && { url }), ...own, ...(mail_to !== undefined && { mail_to }) };
  const [foreign] = Object.entries(address).flatMap(([key, value]) => (value === undefined ? [] : [key]));
  if (path !== undefined && to !== "file") return `path belongs to file; leave it out of an entry to ${to}`;
  if (LOCAL.includes(to)) {
    if (foreign !== undefined) return `${foreign} belongs to a channel; leave it out of an entry to ${to}`;
    if (to === "feed") return { type: "feed" };
    if (path === undefined) return `file needs path; ${WRITE_PATH}`;
    return { type: "file", path: atBase(path), isFolder: path.endsWith("/") };
  }
  if (url !== undefined) {
    if (!Object.hasOwn(CHANNELS, to))
      return `url stands beside ${to}, which is no type of channel; leave url out for a channel of alerts:, or write ${Object.keys(CHANNELS).join(", ")}`;
    const channel = channelOfEntry({ type: to, url, ...own, ...(mail_to !== undefined && { to: mail_to }) });
    return typeof channel === "string"
      ? channel.replace("from and to", "from and mail_to")
      : { type: "channel", channel };
  }
  if (channels === null) return null;
  const channel = channels.find(({ name }) => name === to);
  if (channel === undefined) return unknownName(to, channels);
  if (foreign === undefined) return { type: "channel", channel };
  return `${foreign} stands beside the channel ${to} of alerts:, which has its address; leave it out`;
}

function unknownName(to: string, channels: readonly ChannelConfig[]): string {
  if (Object.hasOwn(CHANNELS, to))
    return `${to} has no address, and alerts: has no channel of that name; write its url, or the name of a channel`;
  if (to === HOST_CHANNEL)
    return "host is the channel of ALERT_WEBHOOK, which is not set here; set it, or write the channel under alerts:";
  const known = [...channels.map(({ name }) => name), ...Object.keys(CHANNELS), ...LOCAL];
  return `found ${JSON.stringify(to)}, which is neither a channel of alerts: nor a type of receiver. ${didYouMean(to, known)}`;
}

function quietHours() {
  return v.pipe(
    text(
      "When nothing is sent, in the agent's time zone; what falls in waits until the end.",
      WRITE_QUIET,
      QUIET,
    ),
    v.check((value) => {
      const { from, until } = minutesOf(value);
      // A whole day would never end.
      return until <= 24 * 60 && (until - from) % (24 * 60) !== 0;
    }, WRITE_QUIET),
    v.transform(minutesOf),
  );
}

function minutesOf(value: string): QuietHours {
  const [, fromHour, fromMinute, untilHour, untilMinute] = (QUIET.exec(value) ?? []).map(Number);
  const minutes = (hour = 0, minute = 0) => hour * 60 + minute;
  return { from: minutes(fromHour, fromMinute), until: minutes(untilHour, untilMinute) };
}
