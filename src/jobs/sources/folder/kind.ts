import type { SourceKind } from "../source-kind.ts";
import { type FolderSource, folderLabel, folderSettings } from "./settings.ts";

/** Folders of notes and mails. */
export const folderKind: SourceKind<FolderSource> = {
  key: "folder",
  settings: folderSettings,
  label: folderLabel,
  id: ({ folder }) => `folder ${folder}`,
  paths: ({ folder }) => [{ path: folder, isFolder: true }],
  collect: async (source, context) => await (await import("./folder.ts")).collectFolder(source, context),
};
