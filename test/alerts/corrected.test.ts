import { expect, test } from "vitest";
import { correctedOf } from "../../src/alerts/corrected.ts";

/** `ntfy-2=B` is the channel of that name at the address B, of the type that the name begins with unless stated. */
function channelsOf(text: string) {
  return text.split(" ").map((each) => {
    const [name = "", address = ""] = each.split("=");
    const [type, at] = address.includes(":") ? address.split(":") : [name.replace(/-\d+$/, ""), address];
    return { name, channel: `${type}:${at}` };
  });
}

test.for([
  // One address was mistyped, and is corrected in its place.
  ["ntfy=X", "ntfy=A", "A"],
  ["ntfy=A ntfy-2=X", "ntfy=A ntfy-2=B", "B"],
  ["ntfy=X ntfy-2=B", "ntfy=A ntfy-2=B", "A"],
  ["webhook=H ntfy=X", "webhook=H ntfy=A", "A"],
  // Another channel comes behind it, or one of another type goes.
  ["ntfy=X", "ntfy=A ntfy-2=B", "A"],
  ["webhook=H ntfy=X", "ntfy=A", "A"],
  // The only channel, whose type was the mistake.
  ["webhook=X", "ntfy=A", "A"],
  ["host=webhook:X", "ntfy=A", "A"],
  ["host=webhook:X", "phone=ntfy:A", "A"],
  // A stated name is the same channel, wherever and of whatever type.
  ["phone=ntfy:X ntfy=B", "ntfy=B phone=telegram:A", "A"],
  ["phone=ntfy:X", "boss=ntfy:A", null],
  // The others have moved, or one is gone: whose address the new one is cannot be told.
  ["ntfy=B ntfy-2=X", "ntfy=A ntfy-2=B", null],
  ["ntfy=X ntfy-2=B", "ntfy=B ntfy-2=C", null],
  ["ntfy=B ntfy-2=X", "ntfy=A", null],
  ["ntfy=X ntfy-2=B", "ntfy=B", null],
  // It is another kind of channel, beside one that stays.
  ["webhook=H ntfy=X", "webhook=H slack=A", null],
] as const)("what waits for X of [%s] goes with [%s] to %s", ([before, after, to]) => {
  const known = channelsOf(before);
  const gone = known.find(({ channel }) => channel.endsWith(":X"));
  const address = correctedOf(gone!, known, channelsOf(after))?.channel.split(":")[1] ?? null;
  expect(address).toBe(to);
});
