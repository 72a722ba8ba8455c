import { type Example, feedHosts, feedSources } from "./example.ts";

/** What is new in feeds and folders. */
export const digest: Example = {
  name: "digest",
  what: "what is new in feeds and folders, each morning",
  readsFeeds: true,
  hosts: feedHosts,
  jobs: (answers) => `  - name: digest
    kind: digest
    schedule: "0 6 * * *"           # minute hour day month weekday; or every: 4h
    sources:
${feedSources(answers)}
    max_items: 30
    # Who gets it, besides out/: a channel of alerts by its name, or email, slack … (docs/delivery.md)
    # deliver: [{ to: feed }, { to: file, path: ./digests/ }, { to: ntfy, quiet_hours: "22:00-07:00" }]`,
  first: { job: "digest", does: "makes the first digest now" },
  rhythm: "a digest each morning at 06:00",
  before: [],
  variables: {},
};
