import { type Example, feedHosts, feedSources } from "./example.ts";

/** The day's events, new mail and news on one page. */
export const brief: Example = {
  name: "brief",
  what: "the day's events, new mail and news, each morning",
  readsFeeds: true,
  hosts: (answers) => ["calendar.example.org", "imap.example.org", ...feedHosts(answers)],
  jobs: (answers) => `  - name: brief
    kind: digest
    schedule: "30 6 * * *"
    group_by: source
    sources:
      - { calendar: "\${CALENDAR_URL}", name: Calendar }       # today and tomorrow; the secret address of an ICS file
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
    "write your mail server and account in it, and the hosts of mail and calendar under egress.allow",
    "set MAIL_PASSWORD (most providers want an app password) and CALENDAR_URL in the environment, or files with them in MAIL_PASSWORD_FILE and CALENDAR_URL_FILE",
  ],
  variables: { MAIL_PASSWORD: "a-password", CALENDAR_URL: "https://calendar.example.org/private.ics" },
};
