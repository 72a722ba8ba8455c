import { type Example, quote, type TemplateAnswers } from "./example.ts";

/**
 * A commented afk.yaml with the jobs of an example. Answers go in as quoted texts, so that none of them can add YAML. `schema` is where editors
 * find the JSON Schema.
 */
export function renderTemplate(
  answers: TemplateAnswers,
  example: Example,
  schema = "./node_modules/afk-agent/afk.schema.json",
): string {
  const asked = answers.model === "extractive" ? ["extractive"] : [answers.model, "extractive"];
  // A cap of 0 refuses every model, so that asking one would make no digest.
  const chain = answers.dailyCapUsd === 0 ? ["extractive"] : asked;
  const raised = chain === asked ? "" : `\n  # chain: ${list(asked)}    # once the cap is above 0`;
  return `# yaml-language-server: $schema=${schema}
# The only file a person edits. Unknown keys are refused. Paths start at this file's folder.
# \${NAME} in a text is read from the environment, or from the file that NAME_FILE names.

agent: ${quote(answers.agent)}
timezone: ${quote(answers.timezone)}           # of days, months and schedules

budget:
  daily_cap_usd: ${decimal(answers.dailyCapUsd)}                # the most a day may cost; 0 refuses every call, free ones too
  # hourly_cap_usd: 0.25
  # weekly_cap_usd: 5
  # monthly_cap_usd: 20
  # job_cap_usd: 0.10
  # tick_cap_usd: 0.50
  # daily_cap_tokens: 2000000       # each of them also in tokens and calls
  # daily_cap_calls: 500
  warning_thresholds: [0.5, 0.8]    # alert at these fractions of each cap

models:
  # In the order they are tried: ollama/NAME, openai/NAME, anthropic/NAME, xai/NAME … extractive needs no model at all.
  chain: ${list(chain)}${raised}
  on_cap: halt                      # or fallback: go on with a model that costs nothing
  max_output_tokens: 512
  timeout: 5m
  # providers:
  #   ollama: { base_url: http://localhost:11434 }
  #   openai: { api_key: "\${OPENAI_API_KEY}" }       # read from there without this line too
  #   work: { type: openai, base_url: https://api.example.com/v1, api_key: "\${WORK_KEY}" }   # of your own: work/NAME
  # prices: { "openai/my-model": { input: 0.10, output: 0.40 } }   # USD per million tokens; also cache_read, cache_write

# A model or host that fails is not called for a while.
breaker: { failures: 5, cooldown: 5m, max_cooldown: 6h }

egress:
  allow: ${list(example.hosts(answers))}
  requests_per_minute: 30           # to each host
  # contact: ops@example.org        # goes into the User-Agent
  # allow_private: []               # hosts of allow on your own network

# Where warnings and errors are sent; ALERT_WEBHOOK in the environment is the one of an agent that names none.
${alerts(answers.channel ?? null)}
#  - { type: ntfy, url: "https://ntfy.sh/a-name-that-nobody-guesses" }
#  - type: telegram
#    url: "https://api.telegram.org/bot\${TELEGRAM_TOKEN}/sendMessage"
#    chat_id: "123456789"
#  - type: email
#    url: "smtps://mail.example.org:465"     # or smtp://HOST:587, which goes on with STARTTLS
#    user: "\${SMTP_USER}"
#    password: "\${SMTP_PASSWORD}"
#    from: afk@example.org
#    to: ops@example.org
#  - type: webhook                  # also discord, slack
#    url: "\${HOOK_URL}"
#    on: [threshold_cross, cap_hit]
#    template: "afk alert: {agent} at {pct}% of {period} cap"

# A service elsewhere that notices when this machine is gone.
heartbeat: { style: healthchecks, grace: 30m }   # or uptime-kuma; and ping_url: "\${PING_URL}"

# The read-only page of afk run, at http://127.0.0.1:4235/. Beyond this machine it needs a token.
# dashboard: { enabled: true, port: 4235, bind: 127.0.0.1, token: "\${DASHBOARD_TOKEN}" }

# Models for other programs, behind the same gates: afk key make laptop
# gateway: { listen: 127.0.0.1:4236, clients: [{ name: laptop, caps: { daily_usd: 0.50, hourly_calls: 100 } }] }

jobs:
${example.jobs(answers)}

# What its output is worth, for afk report: an item of a digest saves 2 minutes unless this says otherwise. With min_ratio,
# a week whose value for each dollar spent is less is told of.
value: { hourly_rate_usd: 60 }
# value: { minutes_saved_per_unit: 2, hourly_rate_usd: 60, min_ratio: 5 }
retention: { log_days: 14, log_max_mb: 200 }
`;
}

function list(items: readonly string[]): string {
  return `[${items.map(quote).join(", ")}]`;
}

/** Plain decimals: 1e-7 would be a number to YAML, but not to a reader. */
function decimal(usd: number): string {
  return usd.toFixed(6).replace(/0{1,4}$/, "");
}

function alerts(channel: TemplateAnswers["channel"]): string {
  if (channel == null) return "alerts: []";
  return `alerts:\n  - { type: ${channel.type}, url: ${quote(channel.url)} }`;
}
