import { HOST_CHANNEL } from "./channels/schema.ts";

/** A channel as the database knows it: its name, and its id, which begins with its type. */
interface Known {
  name: string;
  channel: string;
}

/**
 * The channel in which the owner has corrected the address of `gone`, so that what waits for that one may go there; undefined
 * where this is not certain, since it must never go to somebody else. A name that was stated is the same channel. A
 * name that the type and the place in the list give is so only while every other channel of that type stayed in its place and
 * none was taken out. The only channel of all has no other that it could be mistaken for, of whatever type it is now.
 */
export function correctedOf<Channel extends Known>(
  gone: Known,
  known: readonly Known[],
  wanted: readonly Channel[],
): Channel | undefined {
  const added = wanted.filter(({ channel }) => known.every((each) => each.channel !== channel));
  const sameName = added.find(({ name }) => name === gone.name);
  if (isStated(gone)) return sameName;
  const [only] = added;
  if (known.length === 1 && wanted.length === 1) return only;
  const alike = (channels: readonly Known[]) => channels.filter((each) => typeOf(each) === typeOf(gone));
  const [before, after] = [alike(known), alike(wanted)];
  const stayed = before.every(({ name, channel }) =>
    after.every((each) => each.channel !== channel || each.name === name),
  );
  return stayed && after.length >= before.length && sameName !== undefined && after.includes(sameName)
    ? sameName
    : undefined;
}

function typeOf({ channel }: Known): string {
  return channel.slice(0, channel.indexOf(":"));
}

/** Whether the owner has named it; else its name is the type, with a number for a second one. */
function isStated(channel: Known): boolean {
  const { name } = channel;
  const usual = typeOf(channel);
  return name !== HOST_CHANNEL && name !== usual && !new RegExp(`^${usual}-\\d+$`).test(name);
}
