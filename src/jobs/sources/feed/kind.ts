import type { SourceKind } from "../source-kind.ts";
import { type FeedSource, feedLabel, feedSettings, isRemote } from "./settings.ts";

/** RSS, Atom and JSON Feed. */
export const feedKind: SourceKind<FeedSource> = {
  key: "feed",
  settings: feedSettings,
  label: feedLabel,
  id: ({ feed }) => `feed ${feed}`,
  // An address that URL cannot read keeps its text as the host, so that it is refused here and not at six in the morning.
  hosts: ({ feed }) => (isRemote(feed) ? [URL.parse(feed)?.hostname ?? feed] : []),
  paths: ({ feed }) => (isRemote(feed) ? [] : [{ path: feed, isFolder: false }]),
  collect: async (source, context) => await (await import("./feed.ts")).collectFeed(source, context),
};
