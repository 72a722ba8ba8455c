import type { Randomness } from "../../../src/lib/ids.ts";
import { randomFrom } from "./hostile-text.ts";

/** A credential as servers and files show it: `text` is how it is told of, `secret` what must not get out. */
export interface Credential {
  kind: string;
  text: string;
  secret: string;
}

const LOWER = "abcdefghijklmnopqrstuvwxyz";
const DIGITS = "0123456789";
const ALNUM = `${LOWER}${LOWER.toUpperCase()}${DIGITS}`;

/** Fresh random credentials, one of each kind, none of them anybody's. Put together here, so that no scanner takes them for leaked ones. */
export function makeCredentials(randomness: Randomness): Credential[] {
  const random = randomFrom(randomness);
  const from = (letters: string) => (count: number) =>
    random.many(count, () => letters.charAt(random.below(letters.length)));
  /** Always with a digit and both cases in it, as real keys of this length have. */
  const alnum = (count: number) => `a9Z${from(ALNUM)(count - 3)}`;
  const base64 = (count: number) => `q7X${from(`${ALNUM}+/`)(count - 3)}`;
  const hex = from(`${DIGITS}abcdef`);
  const upper = from(`${LOWER.toUpperCase()}234567`);
  const digits = from("123456789");
  const lower = from(`${LOWER}${DIGITS}`);
  const uuid = () => `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}`;
  const made: Credential[] = [];
  const add = (kind: string, secret: string, told: (secret: string) => string = (text) => text) =>
    made.push({ kind, secret, text: told(secret) });
  const pem = (kind: string, label: string) => {
    const lines = [base64(64), base64(64), base64(40)];
    // The body is the secret; its markers say what it is.
    add(kind, lines[1]!, () => `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----`);
  };

  add("OpenAI project key", `sk-proj-${alnum(48)}`);
  add("OpenAI key", `sk-${alnum(48)}`);
  add("Anthropic key", `sk-ant-api03-${alnum(80)}-AA`);
  add("OpenRouter key", `sk-or-v1-${hex(64)}`);
  add("GitHub classic token", `ghp_${alnum(36)}`);
  add("GitHub fine-grained token", `github_pat_${alnum(22)}_${alnum(59)}`);
  add("GitHub app token", `ghs_${alnum(36)}`);
  add("GitHub OAuth token", `gho_${alnum(36)}`);
  add("GitLab token", `glpat-${alnum(20)}`);
  add("Slack bot token", `xoxb-${digits(12)}-${digits(12)}-${alnum(24)}`);
  add("Slack user token", `xoxp-${digits(12)}-${digits(12)}-${alnum(24)}`);
  add(
    "Slack webhook",
    alnum(24),
    (key) => `https://hooks.slack.com/services/T${upper(8)}/B${upper(8)}/${key}`,
  );
  add("Discord webhook", alnum(68), (key) => `https://discord.com/api/webhooks/${digits(18)}/${key}`);
  add("Discord bot token", `M${alnum(23)}.${alnum(6)}.${alnum(38)}`);
  add(
    "Telegram bot token",
    alnum(35),
    (key) => `https://api.telegram.org/bot${digits(10)}:${key}/sendMessage`,
  );
  add("Telegram token alone", `${digits(10)}:${alnum(35)}`);
  add("AWS key id", `AKIA${upper(16)}`);
  add("AWS secret key", base64(40), (key) => `aws_secret_access_key = ${key}`);
  add("AWS secret in JSON", base64(40), (key) => `{"SecretAccessKey": "${key}"}`);
  add("Google API key", `AIza${alnum(35)}`);
  add("Google OAuth token", `ya29.${alnum(60)}`);
  const body = base64(64);
  add(
    "Google service account",
    body,
    () =>
      `{"type":"service_account","private_key":"-----BEGIN PRIVATE KEY-----\\n${base64(64)}\\n${body}\\n-----END PRIVATE KEY-----\\n"}`,
  );
  add(
    "Azure storage key",
    `${base64(86)}==`,
    (key) => `DefaultEndpointsProtocol=https;AccountName=x;AccountKey=${key};`,
  );
  add(
    "Azure shared access signature",
    base64(43),
    (key) => `https://x.blob.core.windows.net/c?sv=2024&sig=${encodeURIComponent(key)}`,
  );
  add("Stripe live key", `sk_live_${alnum(24)}`);
  add("Stripe test key", `sk_test_${alnum(24)}`);
  add("Stripe restricted key", `rk_live_${alnum(24)}`);
  add("Stripe webhook secret", `whsec_${alnum(32)}`);
  add("Twilio key", `SK${hex(32)}`);
  add("Twilio token", hex(32), (key) => `TWILIO_AUTH_TOKEN=${key}`);
  add("SendGrid key", `SG.${alnum(22)}.${alnum(43)}`);
  add("Mailgun key", `key-${hex(32)}`);
  add("npm token", `npm_${alnum(36)}`);
  add("PyPI token", `pypi-AgEIcHlwaS5vcmc${alnum(60)}`);
  add("Docker Hub token", `dckr_pat_${alnum(27)}`);
  add("Hugging Face token", `hf_${alnum(34)}`);
  add("Cohere key", alnum(40), (key) => `COHERE_API_KEY=${key}`);
  add("Datadog key", hex(32), (key) => `DD-API-KEY: ${key}`);
  add("Datadog application key", hex(40), (key) => `DD_APP_KEY=${key}`);
  add("New Relic key", `NRAK-${upper(27)}`);
  add("JWT", `eyJ${alnum(30)}.eyJ${alnum(60)}.${alnum(43)}`);
  add("address with a password", alnum(20), (key) => `https://admin:${key}@example.org/x`);
  add("bearer header", alnum(40), (key) => `Authorization: Bearer ${key}`);
  add(
    "basic header",
    Buffer.from(`user:${alnum(20)}`).toString("base64"),
    (key) => `authorization: Basic ${key}`,
  );
  pem("RSA key", "RSA PRIVATE KEY");
  pem("EC key", "EC PRIVATE KEY");
  pem("SSH key", "OPENSSH PRIVATE KEY");
  pem("encrypted key", "ENCRYPTED PRIVATE KEY");
  pem("Oracle OCI key", "PRIVATE KEY");
  pem("PGP key", "PGP PRIVATE KEY BLOCK");
  add("age key", `AGE-SECRET-KEY-1${upper(58)}`);
  add("PostgreSQL address", alnum(16), (key) => `postgres://afk:${key}@db:5432/afk`);
  add("MySQL address", alnum(16), (key) => `mysql://root:${key}@db/afk`);
  add(
    "MongoDB address",
    alnum(16),
    (key) => `mongodb+srv://afk:${key}@cluster0.example.net/?retryWrites=true`,
  );
  add("Redis address", alnum(16), (key) => `redis://:${key}@cache:6379/0`);
  add("password in a connection text", alnum(16), (key) => `host=db user=afk password=${key} dbname=afk`);
  add("password with a slash", `${alnum(8)}/${alnum(8)}`, (key) => `postgres://afk:${key}@db:5432/afk`);
  add("token in a query", alnum(32), (key) => `https://example.org/feed?access_token=${key}&page=2`);
  add("key in a query", alnum(32), (key) => `https://example.org/feed?key=${key}`);
  add("session cookie", alnum(32), (key) => `Cookie: theme=dark; sessionid=${key}`);
  add("cookie that is set", alnum(32), (key) => `Set-Cookie: sid=${key}; HttpOnly`);
  add("ntfy topic", lower(24), (key) => `https://ntfy.sh/${key}`);
  add("ntfy token", `tk_${lower(29)}`);
  add("healthchecks address", uuid(), (key) => `https://hc-ping.com/${key}/start`);
  add("Uptime Kuma address", alnum(24), (key) => `https://kuma.example.org/api/push/${key}?status=up`);
  add("Pushover token", lower(30), (key) => `PUSHOVER_TOKEN=${key}`);
  add("Cloudflare token", alnum(40), (key) => `CLOUDFLARE_API_TOKEN=${key}`);
  add("DigitalOcean token", `dop_v1_${hex(64)}`);
  add("Heroku key", `HRKU-${uuid()}`);
  add("Heroku key by its name", uuid(), (key) => `HEROKU_API_KEY=${key}`);
  add("Netlify token", `nfp_${alnum(36)}`);
  add("Vercel token", alnum(24), (key) => `{"vercel_token":"${key}"}`);
  add("Groq key", `gsk_${alnum(52)}`);
  add("client secret in JSON", alnum(32), (key) => `{"client_secret": "${key}"}`);
  return made;
}

/** Ordinary lines of errors and items, that must be told as they are. */
export const ORDINARY = [
  "ollama/qwen2.5:3b answered 500: model runner has unexpectedly stopped. Run `ollama pull qwen2.5:3b`.",
  "The call to openai/gpt-4o-mini was lost: no complete answer within 300000 ms.",
  "https://hnrss.org/frontpage?points=100&page=2 answered 404",
  "feeds.example.org/services/status and example.org/api/push are pages; see https://ntfy.sh/docs/ for more",
  "a cookie: soft, with chocolate; the cookie banner was refused; a basic example: see below",
  "The secretary of state typed a password; token prices rose by 3 %; keyboards have keys",
  "max_tokens: 512, num_predict=100, input_tokens=20, attempts: 5 of 5",
  "Release v1.2.3-rc.1 of owner/repo, commit 3ce1a79f0a1b2c3d4e5f60718293a4b5c6d7e8f9, sha256:9f86d081884c7d659a2feaa0c55ad015",
  "job digest/2026-11-21 took longer than its limit of 3600 s",
  "host=db user=afk dbname=afk: connection refused (ECONNREFUSED 127.0.0.1:5432)",
  "key-value stores, sk-learn, hf_hub_download, npm_config_registry, SKU 12345, SG. Dynamo 4:1",
  "Mailbox maria.larsen.developer@example.org; MIME-Version: 1.0; Node.module.resolution",
  "01a1b2c3-0000-4000-8000-000000000000 is an id, and so is 0192f3c4d5e6f708192a3b4c5d6e7f80",
  "http://localhost:11434/@user and https://example.org:8080/a?b=c@d and https://social.example/@somebody/1",
  "see docs at docs.example.org/session?page=3&theme=dark#top",
];
