import { checkProgram } from "../../programs/settings.ts";
import type { SourceKind } from "../source-kind.ts";
import { type CommandSource, commandId, commandLabel, commandSettings } from "./settings.ts";

/** Programs of the owner's that print what there is. */
export const commandKind: SourceKind<CommandSource> = {
  key: "command",
  settings: commandSettings,
  label: commandLabel,
  id: commandId,
  paths: ({ cwd }) => (cwd === undefined ? [] : [{ path: cwd, isFolder: true }]),
  check: ({ command, env }) =>
    checkProgram({ command, env, envFile: null, outputBytesMax: 0, hasGateway: false }),
  collect: async (source, context) => await (await import("./command.ts")).collectCommand(source, context),
};
