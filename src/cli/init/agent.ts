import type { Example } from "./example.ts";

/** A coding agent on a copy of a repository. */
export const agent: Example = {
  name: "agent",
  what: "a coding agent on a copy of a repository, its patch each night",
  readsFeeds: false,
  hosts: () => [],
  jobs: () => `  - name: fix
    kind: agent
    schedule: "0 3 * * *"
    command: [claude, -p, --output-format, json, --permission-mode, acceptEdits, --allowedTools, "Bash,Edit,Write", --model, claude-haiku-4-5]
    models: [anthropic/claude-haiku-4-5]             # the only one that it can ask
    # command: [node, "{base}/agent.mjs", README.md]    # a script of your own; others: docs/agents.md
    prompt: Mend the spelling and the grammar of README.md. Change nothing else.
    repo: ./repo                    # only read: it works on a copy of what is committed there
    timeout: 30m
    caps: { run_usd: 0.50, daily_usd: 1 }
    # draft: pull_request           # a person approves it: npx afk drafts
    # pull_request: { token: "\${GITHUB_TOKEN}" }      # and github.com, api.github.com under egress.allow`,
  first: { job: "fix", does: "runs the agent once now" },
  rhythm: "a patch each night at 03:00",
  before: [
    "clone a repository of yours as ./repo, or write its path in it",
    "install Claude Code, and set ANTHROPIC_API_KEY in the environment: the key stays with afk",
  ],
  variables: {},
};
