/** Valid inputs of every kind, to make mutants of. */
export const FEEDS = [
  `<?xml version="1.0" encoding="UTF-8"?><rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>News</title><link>https://example.org</link><item><title>Tea &amp; cake</title><link>https://example.org/a</link><guid isPermaLink="false">g1</guid><description>short</description><content:encoded><![CDATA[<p>One</p><p>Two &eacute;</p>]]></content:encoded><pubDate>Tue, 03 Nov 2026 08:00:00 +0100</pubDate></item><item><title>Second</title><link>/b</link></item></channel></rss>`,
  `<feed xmlns="http://www.w3.org/2005/Atom"><title>c</title><entry><title type="html">a &lt;b&gt;</title><id>urn:1</id><updated>2026-11-03T08:00:00Z</updated><link rel="alternate" href="https://example.org/a"/><content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>Hi <b>you</b></p></div></content></entry></feed>`,
  `<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="c"><title>c</title></channel><item rdf:about="https://example.org/a"><title>T</title><link>https://example.org/a</link><dc:date>2026-11-03T08:00:00Z</dc:date></item></rdf:RDF>`,
  `{"version":"https://jsonfeed.org/version/1.1","title":"c","items":[{"id":"1","title":"T","url":"https://example.org/a","content_html":"<p>x &amp; y</p>","date_published":"2026-11-03T08:00:00Z","authors":[{"name":"A"}]},{"id":2,"content_text":"y"}]}`,
];

export const MAILS = [
  "From: a@example.org\r\nTo: b@example.org\r\nSubject: =?utf-8?B?R3LDvMOfZQ==?=\r\nDate: Tue, 03 Nov 2026 08:00:00 +0100\r\nMessage-ID: <1@example.org>\r\n\r\nHello there.\r\n",
  'Subject: parts\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="xx"\r\n\r\n--xx\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nGr=FC=DFe=\r\n\r\n--xx\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\nPHA+SGVsbG88L3A+\r\n--xx--\r\n',
  "From a@example.org Sat Nov 21 10:00:00 2026\nSubject: one\n\nbody\n>From here\n\nFrom b@example.org Sat Nov 21 11:00:00 2026\nSubject: two\n\nbody two\n",
];

export const REPLIES = {
  ollama: [
    '{"model":"m","created_at":"2026-11-21T10:00:00Z","message":{"role":"assistant","content":"Hi "},"done":false}\n{"model":"m","message":{"role":"assistant","content":"you"},"done":false}\n{"model":"m","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","prompt_eval_count":26,"eval_count":2}\n',
    '{"error":"model \'m\' not found"}\n',
  ],
  openai: [
    '{"id":"c","object":"chat.completion","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hi you","refusal":null},"finish_reason":"stop"}],"usage":{"prompt_tokens":19,"completion_tokens":10,"total_tokens":29,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":0}}}',
    '{"error":{"message":"Rate limit reached","type":"tokens","param":null,"code":"rate_limit_exceeded"}}',
  ],
  anthropic: [
    '{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"Hi you"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":19,"cache_creation_input_tokens":3,"cache_read_input_tokens":2,"output_tokens":10}}',
    '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}',
  ],
};

export const CONFIGURATIONS = [
  `agent: morning-digest
timezone: Europe/Berlin
budget:
  daily_cap_usd: 1.00
  hourly_cap_usd: 0.25
  warning_thresholds: [0.5, 0.8]
models:
  chain: [ollama/qwen2.5:3b, anthropic/claude-haiku-4-5, extractive]
  on_cap: halt
  max_output_tokens: 512
  timeout: 5m
  providers:
    ollama: { base_url: http://ollama:11434 }
    openai: { base_url: https://api.openai.com/v1, api_key: "\${NAME}" }
  prices: { "openai/my-model": { input: 0.10, output: 0.40 } }
breaker: { failures: 5, cooldown: 5m, max_cooldown: 6h }
egress:
  allow: [hnrss.org, "*.github.com"]
  requests_per_minute: 30
alerts:
  - { type: ntfy, url: "https://ntfy.sh/topic" }
  - type: webhook
    url: "https://example.org/\${NAME}"
    on: [threshold_cross, cap_hit]
    template: "afk alert: {agent} at {pct}% of {period} cap"
heartbeat: { ping_url: "https://hc-ping.com/x", style: healthchecks, grace: 30m }
jobs:
  - name: digest
    kind: digest
    schedule: "0 6 * * *"
    sources:
      - { feed: "https://hnrss.org/frontpage" }
      - { folder: ./inbox }
    max_items: 30
  - name: command
    kind: exec
    every: 4h
    command: [echo, hi]
value: { minutes_saved_per_unit: 30, hourly_rate_usd: 60 }
retention: { log_days: 14, log_max_mb: 200 }
`,
  `{"agent":"a","budget":{"daily_cap_usd":0},"models":{"chain":["extractive"]},"jobs":[{"name":"n","kind":"digest","every":"1d","sources":[{"folder":"./inbox"}]}]}`,
  `agent: &a morning\nbudget: &b { daily_cap_usd: 1 }\nmodels: { chain: [extractive] }\njobs: []\n`,
];

export const PAYLOADS = [
  `{"how":"throw","value":"text","list":[1,2,{"deep":[[[]]]}]}`,
  `{"__proto__":{"x":1},"constructor":null,"number":1e21,"text":"\\ud83d\\ude00"}`,
  `[null,true,"",{}]`,
  `"text"`,
];

export const WORDS = [
  "enqueue",
  "status",
  "jobs",
  "dead",
  "ledger",
  "logs",
  "doctor",
  "health",
  "stop",
  "resume",
  "list",
  "show",
  "retry",
  "drop",
  "reconcile",
  "work",
  "--json",
  "--help",
  "--version",
  "--offline",
  "--key",
  "--payload",
  "--reason",
  "--since",
  "--limit",
  "--usd",
  "--dry-run",
  "--unknown",
  "--event",
  "--tick",
  "{}",
  "1",
  "-1",
  "2d",
  "--",
  "-",
  "=",
  "--key=",
  "--payload={",
  "--no-json",
];
