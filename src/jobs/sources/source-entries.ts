import * as v from "valibot";
import { integer, number, text } from "../../config/fields.ts";

/** The keys that every source may have. */
export const sourceEntries = {
  max_items: v.optional(
    integer(
      "Most items that are read of the source, the newest; 200 unless stated, of a log the 20 worst and most frequent.",
      "how many items to read of the source",
      [1, 1000],
    ),
  ),
  weight: v.optional(
    number(
      "How much the source counts beside the others, where there are interests.",
      "write how much the source counts, from 0 to 10; 1 is usual",
      [0, 10],
    ),
  ),
  name: v.optional(
    text(
      "What the source is called in results; a feed has its own title.",
      "write a short name for the source, at most 80 characters, for example Team news",
      /^\S.*$/,
      80,
    ),
  ),
};
