import { isRemote } from "../feed/settings.ts";
import type { SourceKind } from "../source-kind.ts";
import { type PageSource, pageId, pageLabel, pageSettings } from "./settings.ts";

/** Pages that change. */
export const pageKind: SourceKind<PageSource> = {
  key: "page",
  settings: pageSettings,
  label: pageLabel,
  id: pageId,
  hosts: ({ page }) => (isRemote(page) ? [URL.parse(page)?.hostname ?? page] : []),
  paths: ({ page }) => (isRemote(page) ? [] : [{ path: page, isFolder: false }]),
  collect: async (source, context) => await (await import("./page.ts")).collectPage(source, context),
};
