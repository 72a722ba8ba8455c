import { basename } from "node:path";
import * as v from "valibot";
import { integer, section, text } from "../../../config/fields.ts";
import { fromHome } from "../../../config/locations.ts";
import { sourceEntries } from "../source-entries.ts";

/** An entry of `sources` of this kind. */
export const calendarSettings = section("A calendar: an ICS file, at an address or on this machine.", {
  calendar: v.pipe(
    text(
      "Address of the calendar (https:// or webcal://), or the path of an .ics file. A private address is a secret.",
      "write an address that begins with https:// or webcal://, or the path of an .ics file",
      /^(?:(?:https?|webcal):\/\/[^\s/?#@]+(?:[/?#]\S*)?|(?![A-Za-z][A-Za-z0-9+.-]*:\/\/).+)$/,
      2000,
    ),
    v.transform(fromHome),
  ),
  days: v.optional(
    integer(
      "How many days it looks ahead, today included; 2 unless stated.",
      "how many days, today included, to read of the calendar",
      [1, 31],
    ),
    2,
  ),
  max_bytes: v.optional(
    integer(
      "Largest calendar that is read, in bytes; 8388608 unless stated.",
      "how large the calendar may be",
      [1024, 67_108_864],
    ),
  ),
  ...sourceEntries,
});

/** `calendar` is an address, else the path of a file. */
export type CalendarSource = v.InferOutput<typeof calendarSettings>;

/** The address to fetch; null for a file. `webcal:` is how programs are asked to subscribe, and is https. */
export function calendarAddress({ calendar }: Pick<CalendarSource, "calendar">): string | null {
  if (!/^(?:https?|webcal):\/\//.test(calendar)) return null;
  return calendar.replace(/^webcal:/, "https:");
}

/** What the job calls it: its name, else the host's or the file's; not the path of an address, which may be its secret. */
export function calendarLabel(source: CalendarSource): string {
  const address = calendarAddress(source);
  return (
    source.name ?? (address === null ? basename(source.calendar) : (URL.parse(address)?.host ?? "calendar"))
  );
}
