import { readAgentConfig, VERSION } from "../../agent.ts";
import { systemClock } from "../../lib/clock.ts";
import { backupState } from "../../ops/backup.ts";
import { defineCommand } from "../command.ts";

export default defineCommand({
  json: true,
  args: {
    file: { type: "positional", description: "Where it goes; {date} in its name is the day in UTC" },
    force: { type: "boolean", description: "Replaces a file of that name" },
    keep: {
      type: "number",
      integer: true,
      min: 1,
      max: 10_000,
      valueHint: "N",
      description: "Deletes older days' backups of the same name beyond the newest N; needs {date}",
    },
  },
  async run({ args }) {
    const backup = await backupState({
      config: readAgentConfig(args),
      clock: systemClock,
      version: VERSION,
      file: args.file,
      isForced: args.force,
      keep: args.keep ?? null,
    });
    const text = [
      `wrote ${backup.file} (${backup.bytes} bytes, checked)`,
      ...backup.deleted.map((path) => `deleted ${path}`),
    ];
    return { json: backup, text };
  },
});
