import * as v from "valibot";
import { list, pathTo, section, text } from "../../config/fields.ts";
import { ALERT_EVENTS } from "../events.ts";
import type { ChannelConfig } from "./channel.ts";
import { CHANNELS, type Channel, channelOf } from "./registry.ts";
import { TEMPLATE_FIELDS } from "./text.ts";

/** An entry whose keys are each right; which of a type's own keys it has is for the type to say. */
type ParsedEntry = v.InferOutput<ReturnType<typeof entrySchema>> & Record<string, unknown>;

/** The `alerts:` list, as people write it: every type's own keys in one section, and each refused elsewhere. */
export function channelsSchema() {
  return v.pipe(
    v.array(entrySchema(), "write a list of channels, each with type and url"),
    v.maxLength(20, "write at most 20 channels"),
    v.rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed) return;
      const names = dataset.value.map(({ name }) => name);
      for (const [index, entry] of dataset.value.entries()) {
        const first = names.indexOf(entry.name);
        if (entry.name === undefined || first === index) continue;
        const message = `found the name ${entry.name}, which alerts[${first}] has already; write another`;
        addIssue({ message, path: pathTo(dataset.value, index, "name") });
      }
    }),
    v.description("Where alerts are sent."),
  );
}

/** The name of the channel of ALERT_WEBHOOK, which a process without that variable does not know. */
export const HOST_CHANNEL = "host";

/** The channels of afk.yaml, and that of ALERT_WEBHOOK, each with a name. */
export function readChannels(
  entries: readonly ParsedEntry[],
  hostChannel: ChannelConfig | null,
): ChannelConfig[] {
  const channels = [...entries.map(readEntry), ...(hostChannel === null ? [] : [hostChannel])];
  const taken = new Set(entries.flatMap(({ name }) => name ?? []));
  return channels.map((channel, index) => {
    const stated = entries[index]?.name;
    if (stated !== undefined) return { ...channel, name: stated };
    const usual = channel === hostChannel ? HOST_CHANNEL : channel.type;
    let name: string = usual;
    for (let number = 2; taken.has(name); number++) name = `${usual}-${number}`;
    taken.add(name);
    return { ...channel, name };
  });
}

/** The channel that an address alone stands for (ALERT_WEBHOOK), or what is wrong with it; never shows the address. */
export function channelOfUrl(address: string): ChannelConfig | string {
  const url = URL.canParse(address) ? new URL(address) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== "" || url.password !== "")
    return "is no address; write one that begins with https:// or http://, without user name or password";
  const types = Object.entries<Channel>(CHANNELS);
  const [type, channel] = types.find((each) => each[1].recognises?.(url)) ?? ["webhook", CHANNELS.webhook];
  const { fault, wholeAddress }: Channel = channel;
  if (wholeAddress !== undefined && fault?.({ url: address }) != null)
    return `${wholeAddress.lacking}; write ${wholeAddress.example}`;
  return readEntry({ type, url: address });
}

/** What must not be shown of a channel. */
export function secretsOf(
  { type, url, settings }: ChannelConfig,
  partsOf: (url: string) => string[],
): string[] {
  return channelOf(type).secrets?.(settings) ?? partsOf(url);
}

/** The keys by which an entry elsewhere can name a channel of its own: the address, and every type's own keys. All may be left out. */
export function addressKeys() {
  return { url: v.optional(channelUrl()), ...ownKeys() };
}

/** What is wrong with such an entry as a channel of a type, or the channel. */
export function channelOfEntry(
  entry: { type: string; url: string } & Record<string, unknown>,
): ChannelConfig | string {
  const [fault] = faultsOf(entry);
  return fault ?? readEntry(entry);
}

function ownKeys(): v.ObjectEntries {
  return Object.assign({}, ...Object.values<Channel>(CHANNELS).map(({ keys }) => keys));
}

function readEntry(entry: Partial<ParsedEntry> & { type: string; url: string }): ChannelConfig {
  const { type, name = type, on = null, template = null } = entry;
  const { url, settings } = channelOf(type).read?.(entry) ?? { url: entry.url, settings: null };
  return { type, name, url, on, template, settings };
}

function entrySchema() {
  const types = Object.entries<Channel>(CHANNELS);
  return v.pipe(
    section("One channel.", {
      type: v.pipe(v.picklist(Object.keys(CHANNELS)), v.description("What the address speaks.")),
      url: channelUrl(),
      name: v.optional(
        text(
          "Its name; the type, with a number for a second one, unless stated. Alerts that wait follow it to a new url.",
          "write a name of small letters, digits and -, at most 64, for example phone",
          /^[a-z0-9][a-z0-9-]*$/,
          64,
        ),
      ),
      on: v.optional(events()),
      template: v.optional(template()),
      ...ownKeys(),
    }),
    v.rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed || !Object.hasOwn(CHANNELS, dataset.value.type)) return;
      for (const message of faultsOf(dataset.value)) addIssue({ message });
    }),
    v.metadata({ allOf: types.flatMap(([type, channel]) => onlyFor(type, channel)) }),
  );
}

/** What is wrong with an entry whose keys are each right. */
function faultsOf(entry: { type: string; url: string } & Record<string, unknown>): string[] {
  const { type, url } = entry;
  const own = channelOf(type);
  const faults = URL.canParse(url) ? [own.fault?.(entry) ?? []].flat() : [];
  for (const [other, { keys = {}, scheme }] of Object.entries<Channel>(CHANNELS)) {
    if (other === type) continue;
    const foreign = Object.keys(keys).find((key) => entry[key] !== undefined);
    if (foreign !== undefined)
      faults.push(`${foreign} belongs to ${other}; leave it out of a channel of type ${type}`);
    if (scheme?.pattern.test(url))
      faults.push(`the url is ${scheme.owner}'s; write type: ${other}, or an address that ${type} has`);
  }
  return faults;
}

/** In JSON Schema: what one type needs besides, and what no other type may have. */
function onlyFor(type: string, { keys, jsonSchema }: Channel): object[] {
  if (keys === undefined && jsonSchema === undefined) return [];
  return [
    {
      if: { properties: { type: { const: type } }, required: ["type"] },
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema.
      then: jsonSchema ?? {},
      else: { properties: Object.fromEntries(Object.keys(keys ?? {}).map((key) => [key, false])) },
    },
  ];
}

/** An address of the web, or of a type that has a scheme of its own; those may have user and password in it. */
function channelUrl() {
  const write =
    "write a whole address that begins with https:// or http://, for example https://ntfy.sh/my-topic, without user name or password";
  const description = `Where to send; whoever knows it can send too, so best given as \${NAME}. E-mail: the mail server, smtps://HOST:465 or smtp://HOST:587.`;
  const address = /^(?:https?:\/\/[^\s/?#@]+(?:[/?#]\S*)?|smtps?:\/\/\S+)$/;
  return v.pipe(text(description, write, address, 2000), v.check(URL.canParse, write));
}

function events() {
  const write =
    "write a list of event names, for example [cap_hit], or leave the key out for all warnings and errors";
  const description = "Events to send here; all of severity warn and above unless stated.";
  return list(description, write, v.picklist(Object.keys(ALERT_EVENTS)), 100);
}

function template() {
  const write = `write a text with placeholders of these only: ${TEMPLATE_FIELDS.map((name) => `{${name}}`).join(" ")}`;
  return v.pipe(
    v.string(write),
    v.minLength(1, write),
    v.maxLength(2000, write),
    // A brace that encloses no single word is only a brace.
    v.regex(new RegExp(`^(?![^]*\\{(?!(?:${TEMPLATE_FIELDS.join("|")})\\})\\w+\\})`), write),
    v.description(
      "Text to send instead of the usual; {agent}, {pct} and the payload's other fields are filled in.",
    ),
  );
}
