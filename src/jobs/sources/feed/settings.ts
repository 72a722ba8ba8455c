import { basename } from "node:path";
import * as v from "valibot";
import { flag, integer, section, text } from "../../../config/fields.ts";
import { fromHome } from "../../../config/locations.ts";
import { sourceEntries } from "../source-entries.ts";

/** The key `full_text` of a feed, and of a digest for all its feeds. */
export const fullTextFlag = () =>
  v.optional(
    flag(
      "Where a feed has only the beginning of an article, the page is read, if egress.allow has its host and robots.txt allows it.",
    ),
  );

/** An entry of `sources` of this kind. */
export const feedSettings = section("A feed: RSS, Atom or JSON Feed.", {
  feed: v.pipe(
    text(
      "Address of the feed, or the path of a file that holds it.",
      "write an address that begins with https://, or the path of a file",
      // A path may be anything that does not look like the address of another protocol.
      /^(?:https?:\/\/[^\s/?#@]+(?:[/?#]\S*)?|(?![A-Za-z][A-Za-z0-9+.-]*:\/\/).+)$/,
      2000,
    ),
    v.transform(fromHome),
  ),
  full_text: fullTextFlag(),
  max_bytes: v.optional(
    integer(
      "Largest feed that is read, in bytes; 4194304 unless stated.",
      "how large the feed may be",
      [1024, 67_108_864],
    ),
  ),
  ...sourceEntries,
});

/** `feed` is an address that begins with http:// or https://, else the path of a file. */
export type FeedSource = v.InferOutput<typeof feedSettings>;

/** Whether a feed is fetched, as opposed to read from a file. */
export function isRemote(feed: string): boolean {
  return /^https?:\/\//.test(feed);
}

/** What the job calls it: its name, else the file's, or the host and path. */
export function feedLabel({ name, feed }: FeedSource): string {
  if (name !== undefined) return name;
  if (!isRemote(feed)) return basename(feed);
  const url = new URL(feed);
  return `${url.host}${url.pathname.replace(/\/$/, "")}`;
}
