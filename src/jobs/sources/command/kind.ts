import { checkProgram, plainProgram } from "../../programs/settings.ts";
import type { SourceKind } from "../source-kind.ts";
import { type CommandSource, commandId, commandLabel, commandSettings } from "./settings.ts";

/** Programs of the owner's that print what there is. */
export const commandKind: SourceKind<CommandSource> = {
  key: "command",
  settings: commandSettings,
  label: commandLabel,
  id: commandId,
  paths: ({ cwd }) => (cwd === undefined ? [] : [{ path: cwd, isFolder: true }]),
  check: ({ command, env }, config) =>
    checkProgram(plainProgram({ command, env, outputBytesMax: 0 }), config),
  collect: async (source, context) => await (await import("./command.ts")).collectCommand(source, context),
};
