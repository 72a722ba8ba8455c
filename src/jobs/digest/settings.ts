import * as v from "valibot";
import type { Config } from "../../config/config.ts";
import type { ConfigIssue } from "../../config/errors.ts";
import { flag, integer, list, number, section, text } from "../../config/fields.ts";
import { fromHome } from "../../config/locations.ts";
import { isAllowed } from "../../egress/allowlist.ts";
import { GROUPINGS } from "./grouping.ts";

/** Where GitHub answers. */
export const GITHUB_HOST = "api.github.com";

const GITHUB_EVENTS = ["releases", "commits", "issues"] as const;

const WRITE_NAME = "write a short name for the source, at most 80 characters, for example Team news";
const name = v.optional(
  text("What the digest calls the source; a feed has its own title.", WRITE_NAME, /^\S.*$/, 80),
);

const maxItems = v.optional(
  integer(
    "Most items that are read of the source, the newest; 200 unless stated.",
    "how many items to read of the source",
    [1, 1000],
  ),
);

const weight = v.optional(
  number(
    "How much the source counts beside the others, where there are interests.",
    "write how much the source counts, from 0 to 10; 1 is usual",
    [0, 10],
  ),
);

const fullText = v.optional(
  flag(
    "Where a feed has only the beginning of an article, the page is read, if egress.allow has its host and robots.txt allows it.",
  ),
);

const feed = section("A feed: RSS, Atom or JSON Feed.", {
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
  full_text: fullText,
  max_bytes: v.optional(
    integer(
      "Largest feed that is read, in bytes; 4194304 unless stated.",
      "how large the feed may be",
      [1024, 67_108_864],
    ),
  ),
  max_items: maxItems,
  weight,
  name,
});

const WRITE_EVENTS = "write a list of releases, commits or issues, for example [releases, issues]";
const github = section("A public repository on GitHub.", {
  github: text(
    "The repository.",
    "write owner/repository, for example octo-org/octo-repo",
    /^[A-Za-z0-9][A-Za-z0-9-]{0,38}\/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}$/,
  ),
  events: v.optional(
    list(
      "What to read of the repository.",
      WRITE_EVENTS,
      v.picklist(GITHUB_EVENTS, WRITE_EVENTS),
      GITHUB_EVENTS.length,
    ),
    ["releases"],
  ),
  max_items: maxItems,
  weight,
  name,
});

const folder = section("A folder of .txt, .md, .eml and .mbox files, or a Maildir.", {
  folder: v.pipe(
    text(
      "Path of the folder; folders in it are sources of their own.",
      "write the path of a folder, for example ./inbox",
      /^.+$/,
      2000,
    ),
    v.transform(fromHome),
  ),
  max_bytes: v.optional(
    integer(
      "Bytes that are read of one file, of an mbox from its end; 16777216 unless stated.",
      "how many bytes to read of one file",
      [1024, 1_073_741_824],
    ),
  ),
  max_items: maxItems,
  weight,
  name,
});

const WRITE_SOURCE = "write a source with one of the keys feed, github or folder";
const WRITE_SOURCES = "write a list of 1 to 50 sources, each with feed, github or folder";

const WRITE_INTERESTS =
  "write a list of 1 to 50 words or phrases, each at most 80 characters, for example [postgres, sailing]";

/** The name of a language, as it goes into a prompt. */
export const LANGUAGE = /^[A-Za-z\u00C0-\uFFFF][A-Za-z\u00C0-\uFFFF ()-]*$/;

/** A `kind: digest` entry of afk.yaml without the keys that every job has. */
export const digestSettings = v.pipe(
  section("A digest of what is new in a few sources.", {
    sources: list("Where items come from.", WRITE_SOURCES, v.union([feed, github, folder], WRITE_SOURCE), 50),
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
    full_text: fullText,
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

/** `feed` is an address that begins with http:// or https://, else the path of a file. */
export type FeedSource = v.InferOutput<typeof feed>;
/** A repository, and which of its events are read. */
export type GithubSource = v.InferOutput<typeof github>;
/** One of them. */
export type GithubEvent = GithubSource["events"][number];
/** The path of a folder. */
export type FolderSource = v.InferOutput<typeof folder>;
/** One entry of `sources`. */
export type SourceSettings = FeedSource | GithubSource | FolderSource;
/** `language` is that of the summaries; null leaves it to the model. */
export type DigestSettings = v.InferOutput<typeof digestSettings>;

/** An issue for each source whose host `egress.allow` does not cover, and for topics of nobody. */
export function checkDigest(settings: DigestSettings, config: Config): ConfigIssue[] {
  const isWithoutTopics = settings.groupBy === "topic" && settings.interests.length === 0;
  const write = "write interests too, since with group_by: topic the items stand under them";
  const ofTopics = isWithoutTopics ? [{ path: "group_by", message: write }] : [];
  const ofHosts = settings.sources.flatMap((source, index) => {
    const [key, host] = hostOf(source);
    if (host === null || isAllowed(host, config.egress.allow)) return [];
    const message = `${host} is not in egress.allow; add ${host} to it`;
    return [{ path: `sources[${index}].${key}`, message }];
  });
  return [...ofTopics, ...ofHosts];
}

/** Whether a feed is fetched, as opposed to read from a file. */
export function isRemote(feed: string): boolean {
  return /^https?:\/\//.test(feed);
}

function hostOf(source: SourceSettings): [key: string, host: string | null] {
  if ("github" in source) return ["github", GITHUB_HOST];
  if ("folder" in source) return ["folder", null];
  // An address that URL cannot read keeps its text as the host, so that it is refused here and not at six in the morning.
  return ["feed", isRemote(source.feed) ? (URL.parse(source.feed)?.hostname ?? source.feed) : null];
}
