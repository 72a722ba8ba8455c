import * as v from "valibot";
import type { FetchOptions } from "../../../egress/types.ts";
import type { ItemOrigin, RawItem } from "../../items/item.ts";
import { withoutComments } from "../github/markdown-comments.ts";

/** Forges write null where there is nothing. */
export const optionalText = v.pipe(
  v.nullish(v.string()),
  v.transform((value) => value?.trim() || undefined),
);

/** An entry as it is read. `id` is the forge's own, which outlives a change of the repository's name. */
export type Entry = Pick<RawItem, "title" | "text" | "publishedAt"> & {
  id: string | null;
  link: string;
  /** Of an issue or a pull request. */
  number?: number;
  thing?: Extract<ItemOrigin, { type: "github" }>["thing"];
};

/** A list that an API gives in pages; null for an entry that is left out. */
export interface Listing {
  /** Address without paging. */
  url: string;
  /** The key of the answer that has the list; left out where the answer is the list. */
  key?: string;
  entry: v.GenericSchema<unknown, Entry | null>;
  /** Entries of a page, as many as the API gives at most. */
  pageMax: number;
}

/** How a forge is asked. */
export interface ForgeRequest extends Pick<FetchOptions, "accept" | "headers" | "credential"> {
  /** The parameter that says how many entries a page has. */
  sizeParameter: "per_page" | "limit";
  /** What the token must be able to do, as a hint where it is refused. */
  tokenHint: string;
}

/** An entry of a repository as an item: its text as readers of Markdown see it. */
export function repositoryItem(
  repository: string,
  { id, link, title, text = "", publishedAt }: Entry,
): RawItem {
  const words = withoutComments(text).trim();
  return { id: id ?? link, link, title: `${repository} ${title}`, text: words, publishedAt };
}
