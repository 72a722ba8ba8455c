import type { Example } from "./example.ts";

/** New issues of a repository by labels, with what that means for them as drafts. */
export const repoTriage: Example = {
  name: "repo-triage",
  what: "new issues of a repository sorted; labels and comments wait for your yes",
  readsFeeds: false,
  hosts: () => ["api.github.com"],
  jobs: () => `  - name: issues
    kind: triage
    every: 1h
    sources:
      - github: octo-org/octo-repo
        events: [issues]
        token: "\${GITHUB_TOKEN}"    # reads issues; writes them only for drafts that you approved
    labels:                         # 2 to 20, each with what belongs there (docs/triage.md)
      bug: something that worked, or should work, does not
      feature: a wish for something new
      other: questions, praise and all else
    priority: true
    when:                           # nothing else follows from a label
      - { label: bug, do: draft, add_labels: [bug] }
      - { label: feature, do: draft, add_labels: [enhancement] }
    # deliver: [{ to: ntfy }]       # a channel of alerts by its name, or email, slack … (docs/delivery.md)`,
  first: { job: "issues", does: "sorts the newest issues now" },
  rhythm: "new issues every hour",
  before: [
    "write your repository in it, and labels that it has",
    "set GITHUB_TOKEN in the environment: a fine-grained token for this repository with Issues: read and write",
  ],
  variables: { GITHUB_TOKEN: "github_pat_example" },
};
