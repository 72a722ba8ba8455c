import { type Example, feedHosts, feedSources } from "./example.ts";

/** The day's events, new mail and news on one page. */
export const brief: Example = {
  name: "brief",
  what: "the day's events, new mail and news, each morning",
  readsFeeds: true,
  hosts: (answers) => ["imap.example.org", ...feedHosts(answers)],
  jobs: (answers) => `  - name: brief
    kind: digest
    schedule: "30 6 * * *"
    group_by: source
    sources:
      - name: Mail
        imap:                       # read only: nothing in it changes (docs/sources.md)
          host: imap.example.org
          user: you@example.org
          password: "\${MAIL_PASSWORD}"
          max_age: 2d
${feedSources(answers)}
    max_items: 40
    # deliver: [{ to: ntfy }]       # a channel of alerts by its name, or email, slack … (docs/delivery.md)`,
  first: { job: "brief", does: "makes the first brief now" },
  rhythm: "a brief each morning at 06:30",
  before: [
    "write your mail server and account in it, and the server under egress.allow",
    "set MAIL_PASSWORD in the environment, or name a file that holds it in MAIL_PASSWORD_FILE; most providers want an app password",
  ],
  variables: { MAIL_PASSWORD: "a-password" },
};
