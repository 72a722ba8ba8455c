import type { Example } from "./example.ts";

/** New mail by labels, with replies as drafts. */
export const mailTriage: Example = {
  name: "mail-triage",
  what: "new mail sorted by labels; replies wait in your drafts",
  readsFeeds: false,
  hosts: () => ["imap.example.org"],
  jobs: () => `  - name: inbox
    kind: triage
    every: 15m
    sources:
      - name: Mail
        imap:                       # read only: nothing in it changes (docs/sources.md)
          host: imap.example.org
          user: you@example.org
          password: "\${MAIL_PASSWORD}"
          max_age: 2d
    labels:                         # 2 to 20, each with what belongs there (docs/triage.md)
      urgent: something that cannot wait until tomorrow
      question: a person asks me something that can be answered in a few sentences
      other: newsletters, notices and all else
    priority: true
    when:                           # nothing else follows from a label
      - { label: urgent, do: deliver }
      - { label: question, do: draft, reply: "Hello,\\n\\n{answer}\\n\\nKind regards" }
    # deliver: [{ to: ntfy }]       # a channel of alerts by its name, or email, slack … (docs/delivery.md)`,
  first: { job: "inbox", does: "sorts the mail of two days now" },
  rhythm: "new mail every 15 minutes",
  before: [
    "write your mail server and account in it, and the server under egress.allow",
    "set MAIL_PASSWORD in the environment, or name a file that holds it in MAIL_PASSWORD_FILE; most providers want an app password",
  ],
  variables: { MAIL_PASSWORD: "a-password" },
};
