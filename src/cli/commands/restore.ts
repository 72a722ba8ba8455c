import { readAgentConfig } from "../../agent.ts";
import { systemClock } from "../../lib/clock.ts";
import { restoreState } from "../../ops/restore.ts";
import type { Restored } from "../../ops/restore-staged.ts";
import { defineCommand } from "../command.ts";

export default defineCommand({
  isForPeople: true,
  json: true,
  args: {
    file: { type: "positional", description: "What afk backup wrote" },
    force: {
      type: "boolean",
      description: "Takes a backup of another agent, or one that does not say whose it is",
    },
    "dry-run": { type: "boolean", description: "Checks everything and changes nothing" },
  },
  async run({ args }) {
    const restored = await restoreState({
      config: readAgentConfig(args),
      clock: systemClock,
      file: args.file,
      isForced: args.force,
      isDryRun: args["dry-run"],
    });
    return { json: restored, text: restored.isDryRun ? wouldLines(restored) : lines(restored) };
  },
});

function wouldLines({ file, madeAt, kept }: Restored): string[] {
  return [
    `${file} is sound (made ${madeAt ?? "at an unknown time"}) and can be restored; nothing was changed`,
    kept === null ? "there is no database in its place" : "the present database would be kept beside it",
  ];
}

function lines({ file, madeAt, kept, deleted, revokedKeys }: Restored): string[] {
  const made = madeAt ?? "it was made";
  return [
    `restored ${file} (made ${madeAt ?? "at an unknown time"})`,
    ...(kept === null ? [] : [`the former database is ${kept}`]),
    ...deleted.map((path) => `deleted ${path}, which an earlier restore had kept`),
    ...(revokedKeys === 0
      ? []
      : [`revoked ${revokedKeys} keys of clients, which were or may have been since: afk key list`]),
    "The agent is stopped: no model is called until: afk resume",
    "Before that:",
    `  - What was spent after ${made} is missing from the counters: they allow it a second time. Compare the provider's bill`,
    "    with: afk ledger. Lower the caps of afk.yaml by the difference until the day and the month are over.",
    "  - Calls that were under way then are unknown, and stay charged at their worst case: afk ledger list --unknown",
    "  - Jobs that were done after it are done again, and drafts that were approved after it wait again: afk drafts",
  ];
}
