import type { CommandEntry } from "./command.ts";

/** Commands about the machine and the files that an agent lies in; the rest of the table is in table.ts. */
export const HOST_COMMANDS: Readonly<Record<string, Omit<CommandEntry, "group">>> = {
  backup: {
    description:
      "Copies the state into FILE while a worker runs, and checks the copy before it gets its name",
    details:
      "The database is all of the state: ledger, queue, digests, kill switch; files of out/ are in it and are written again after a restore. Not in it: afk.yaml, secrets, logs, runs/.",
    examples: ["afk backup afk-backup.db", "afk backup '/var/backups/afk-{date}.db' --keep 7"],
    load: () => import("./commands/backup.ts"),
  },
  restore: {
    description: "Puts a backup in the place of the state, and leaves the agent stopped until: afk resume",
    details: "The former database is kept beside it (the last three are).",
    examples: ["afk restore afk-backup.db --dry-run", "afk restore afk-backup.db"],
    load: () => import("./commands/restore.ts"),
  },
  adopt: {
    description: "Gives a state that belongs to another name to this agent: for one that was renamed",
    details: "Its spend, its queue and its kill switch go with it.",
    examples: ["afk adopt", "afk adopt --state /srv/afk/state --yes"],
    load: () => import("./commands/adopt.ts"),
  },
  move: {
    description: "Moves the state of a stopped agent to PostgreSQL, for a fleet, or back to one file",
    details:
      "All rows are copied in one transaction, read again and compared; the kill switch stays as it was. The file that was moved stays under another name, and the schema that was moved stays closed. Cut off, say it again.",
    examples: [
      "afk move --to postgres",
      "afk move --to postgres://afk@db.example.org/afk",
      "afk move --to sqlite",
    ],
    load: () => import("./commands/move.ts"),
  },
  release: {
    description: "Checks, renders the schedule (systemd, cron, launchd), and records what is different",
    examples: [
      "afk release --reason 'more feeds'",
      "afk release --format cron",
      "afk release --format launchd --output ./release",
      "afk release --to 1f3a9c0b2d4e",
      "afk release --dry-run",
    ],
    load: () => import("./commands/release.ts"),
  },
};
