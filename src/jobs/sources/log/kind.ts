import type { SourceKind } from "../source-kind.ts";
import { type LogSource, logId, logLabel, logSettings } from "./settings.ts";

/** Logs in files, and the journal of systemd. */
export const logKind: SourceKind<LogSource> = {
  key: "log",
  settings: logSettings,
  label: logLabel,
  id: logId,
  paths: ({ log }) => (typeof log === "string" && !log.includes("*") ? [{ path: log, isFolder: false }] : []),
  collect: async (source, context) => await (await import("./log.ts")).collectLog(source, context),
};
