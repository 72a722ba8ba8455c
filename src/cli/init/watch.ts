import type { Example } from "./example.ts";

/** A page's price, a log and the disks; silent while nothing happens. */
export const watch: Example = {
  name: "watch",
  what: "a price, a log and the disks: a message only when there is something",
  readsFeeds: false,
  hosts: () => ["shop.example.org"],
  jobs: () => `  - name: watch
    kind: digest
    every: 15m
    only_if: changed                # nothing new: no model, no file, no message (docs/sources.md)
    sources:
      - { page: "https://shop.example.org/lamp", name: Lamp, select: ".price", number: { below: 300 } }
      - { log: /var/log/syslog, name: System, level: error }
      - name: Disks
        command: [sh, -c, "df -P -l | awk 'NR > 1 && $5 + 0 >= 90 { print $6, \\"is at least 90 % full\\" }'"]
    # deliver: [{ to: ntfy, when: new }]   # a channel of alerts by its name, or email, slack … (docs/delivery.md)`,
  first: { job: "watch", does: "looks for the first time now" },
  rhythm: "a look every 15 minutes",
  before: [
    "write the page, a CSS selector of the part with the price, and the page's host under egress.allow",
    "write the log that you want to follow, or take that line out",
  ],
  variables: {},
};
