import * as v from "valibot";
import { integer, list, number, section, text } from "../../../config/fields.ts";
import { fromHome } from "../../../config/locations.ts";
import { isRemote } from "../feed/settings.ts";
import { sourceEntries } from "../source-entries.ts";

const WRITE_SELECT =
  'write a CSS selector of at most 200 characters with at most one ~, for example ".price" or "table#news"';
const WRITE_IGNORE =
  "write a list of 1 to 20 plain texts; # stands for a number and * for anything between two parts, for example [Updated #:#, # views]";
const WRITE_CHANGE = 'write a number, or a share of the last one told of, for example "5%"';

/** What a number on a page has to do for an item. */
const numberSettings = v.pipe(
  section(
    "The first number of the part, instead of its text: an item when it crosses a limit, without limits when it changes.",
    {
      below: v.optional(
        number("An item when it falls below.", "write a number, for example 300", [-1e15, 1e15]),
      ),
      above: v.optional(
        number("An item when it rises above.", "write a number, for example 300", [-1e15, 1e15]),
      ),
      changes_by: v.optional(
        v.pipe(
          v.union(
            [
              v.pipe(v.number(WRITE_CHANGE), v.gtValue(0, WRITE_CHANGE)),
              v.pipe(
                v.string(WRITE_CHANGE),
                v.regex(/^(?!0*(?:\.0*)?%)\d{1,4}(?:\.\d{1,3})?%$/, WRITE_CHANGE),
              ),
            ],
            WRITE_CHANGE,
          ),
          v.description("An item when it differs so much from the one that was told of last."),
        ),
      ),
      decimal: v.optional(
        v.pipe(
          v.picklist([".", ","], 'write "." or ","'),
          v.description("The decimal mark, for 1.234 that is not a thousand and more."),
        ),
      ),
    },
  ),
  v.transform(({ changes_by: changesBy, ...rest }) => ({ ...rest, changesBy })),
);

/** An entry of `sources` of this kind. */
export const pageSettings = section("A page, or a part of it: what changed since the last run.", {
  page: v.pipe(
    text(
      "Address of the page, or the path of a file that holds it.",
      "write an address that begins with https://, or the path of a file",
      /^(?:https?:\/\/[^\s/?#@]+(?:[/?#]\S*)?|(?![A-Za-z][A-Za-z0-9+.-]*:\/\/).+)$/,
      2000,
    ),
    v.transform(fromHome),
  ),
  select: v.optional(
    text(
      "CSS selector of the part that is compared; the article, or else all text, unless stated.",
      WRITE_SELECT,
      /^(?=.*\S)(?!.*~(?!=).*~(?!=)).+$/,
    ),
  ),
  ignore: v.optional(
    list(
      "Texts that are taken out before lines are compared, such as dates and counters.",
      WRITE_IGNORE,
      text("A text.", WRITE_IGNORE, /[^\s*]/),
      20,
    ),
  ),
  number: v.optional(numberSettings),
  max_bytes: v.optional(
    integer(
      "Largest page that is read, in bytes; 4194304 unless stated.",
      "how large the page may be",
      [1024, 67_108_864],
    ),
  ),
  ...sourceEntries,
});

/** `page` is an address that begins with http:// or https://, else the path of a file. */
export type PageSource = v.InferOutput<typeof pageSettings>;
/** What its number has to do. */
export type NumberSettings = NonNullable<PageSource["number"]>;

/** What the job calls it: its name, else the host and path, or the file. */
export function pageLabel({ name, page }: PageSource): string {
  if (name !== undefined) return name;
  const url = isRemote(page) ? URL.parse(page) : null;
  return url === null ? page : `${url.host}${url.pathname.replace(/\/$/, "")}`;
}

/** Another part of a page is another place. */
export function pageId({ page, select = "" }: PageSource): string {
  return `page ${page} ${select}`;
}
