/** Lines of an afk.yaml that must not become user data, by what they hold. All values are made up. */
export const secretLines: [string, string][] = [
  ["a key", `api_key: "abc"`],
  ["a key behind a dollar sign", `api_key: $abc`],
  ["a key in capitals, in an inline map", `openai: { API_KEY: 'abc' }`],
  ["a provider's key under any name", `x: sk-ant-${"a".repeat(24)}`],
  ["a password in a URL", "url: https://me:hunter2@example.org/x"],
  ["a webhook of Slack", "url: https://hooks.slack.com/services/T0/B0/x"],
  ["a webhook of Discord", "url: https://discord.com/api/webhooks/1/x"],
  ["a bot of Telegram", "url: https://api.telegram.org/bot1:x/sendMessage"],
  ["a topic of ntfy", "url: https://ntfy.sh/topic"],
  ["a ping URL", "heartbeat: { ping_url: https://example.org/ping/1 }"],
  ["a private key", "-----BEGIN RSA PRIVATE KEY-----"],
];
