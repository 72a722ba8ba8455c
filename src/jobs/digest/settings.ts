import * as v from "valibot";
import type { Config } from "../../config/config.ts";
import type { ConfigIssue } from "../../config/errors.ts";
import { integer, list, section, text } from "../../config/fields.ts";
import { fullTextFlag } from "../sources/feed/settings.ts";
import { checkSources, sourcesSchema } from "../sources/registry.ts";
import { GROUPINGS } from "./grouping.ts";

const WRITE_INTERESTS =
  "write a list of 1 to 50 words or phrases, each at most 80 characters, for example [postgres, sailing]";

/** The name of a language, as it goes into a prompt. */
export const LANGUAGE = /^[A-Za-z\u00C0-\uFFFF][A-Za-z\u00C0-\uFFFF ()-]*$/;

/** A `kind: digest` entry of afk.yaml without the keys that every job has. */
export const digestSettings = v.pipe(
  section("A digest of what is new in a few sources.", {
    sources: sourcesSchema(),
    max_items: v.optional(
      integer(
        "Items in one digest; the rest comes with the next.",
        "how many items a digest may hold",
        [1, 200],
      ),
      30,
    ),
    language: v.optional(
      text("Language of the summaries.", "write a language, for example German", LANGUAGE, 40),
    ),
    interests: v.optional(
      list(
        "Words and phrases that decide on the order, and with max_items on what is left for the next digest. One that ends in * stands for all that begin so.",
        WRITE_INTERESTS,
        text("A word or a phrase.", WRITE_INTERESTS, /[A-Za-z0-9\u00C0-\uFFFF]/, 80),
        50,
      ),
    ),
    full_text: fullTextFlag(),
    group_by: v.optional(
      v.pipe(
        v.picklist(GROUPINGS, `write one of ${GROUPINGS.join(", ")}`),
        v.description("What the items stand under."),
      ),
      "source",
    ),
  }),
  v.transform(({ sources, max_items: maxItems, language = null, interests = [], ...rest }) => {
    const { full_text: fullText = false, group_by: groupBy } = rest;
    return { sources, maxItems, language, interests, fullText, groupBy };
  }),
);

/** `language` is that of the summaries; null leaves it to the model. */
export type DigestSettings = v.InferOutput<typeof digestSettings>;

/** An issue for each source whose host `egress.allow` does not cover, and for topics of nobody. */
export function checkDigest(settings: DigestSettings, config: Config): ConfigIssue[] {
  const isWithoutTopics = settings.groupBy === "topic" && settings.interests.length === 0;
  const write = "write interests too, since with group_by: topic the items stand under them";
  const ofTopics = isWithoutTopics ? [{ path: "group_by", message: write }] : [];
  return [...ofTopics, ...checkSources(settings.sources, config)];
}
