import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { newId } from "../../src/lib/ids.ts";
import { createLearningRedactor, createRedactor, isSecretName, REDACTED } from "../../src/lib/redact.ts";

// Put together here, so that no scanner takes them for leaked keys.
const letters = "AbCdEfGhIjKlMnOpQrStUvWxYz0123456789";
const SHAPES: [kind: string, text: string, secret: string][] = [
  ["a bearer header", `Authorization: Bearer ${letters}`, letters],
  ["a basic header", "authorization: Basic dXNlcjpodW50ZXIy", "dXNlcjpodW50ZXIy"],
  ["a basic value alone", "sent Basic dXNlcjpodW50ZXIy to it", "dXNlcjpodW50ZXIy"],
  ["a header in JSON", `{"Authorization":"token abcdefgh"}`, "abcdefgh"],
  ["an OpenAI key", `key sk-proj-${letters} refused`, letters],
  ["an Anthropic key", `x sk-ant-api03-${letters}-AA`, letters],
  ["a GitHub token", `ghp_${letters}`, letters],
  ["a GitHub OAuth token", `gho_${letters}`, letters],
  ["a GitHub server token", `ghs_${letters}`, letters],
  ["a fine-grained GitHub token", `github_pat_11AAAA_${letters}`, letters],
  ["a Slack token", "xoxb-123456789012-abcdefABCDEF", "123456789012"],
  ["an AWS key id", "AKIA" + "ABCDEFGHIJKLMNOP", "ABCDEFGHIJKLMNOP"],
  ["an AWS secret", `aws_secret_access_key = abcd/EFGH+${letters}`, letters],
  ["a Google key", `AIza${letters}`, letters],
  [
    "a Telegram address",
    `https://api.telegram.org/bot123456:ABC-DEF1234ghIkl/sendMessage`,
    "ABC-DEF1234ghIkl",
  ],
  ["a Discord webhook", `https://discord.com/api/webhooks/123456/${letters}?wait=true`, letters],
  ["a Slack webhook", `https://hooks.slack.com/services/T00/B00/${letters}`, letters],
  ["the path of a Slack webhook", `POST /services/T00AA/B00AA/${letters}`, letters],
  ["a key of afk's own", `POST /k/afk_${"0123456789abcdef".repeat(4)}/v1`, "0123456789abcdef"],
  ["a JWT", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "c2lnbmF0dXJl"],
  [
    "a private key",
    `-----BEGIN RSA PRIVATE KEY-----\nMIIE${letters}\n-----END RSA PRIVATE KEY-----`,
    letters,
  ],
  ["a private key that was cut off", `-----BEGIN PRIVATE KEY-----\nMIIE${letters}`, letters],
  ["a password in a query", "https://example.org/?password=hunter2&x=1", "hunter2"],
  ["a token in a query", "https://example.org/?token=hunter2", "hunter2"],
  ["a key in a query", "https://example.org/?key=hunter2", "hunter2"],
  ["key: value text", "api_key: hunter2", "hunter2"],
  ["a quoted value with a space", `{"client_secret": "hunter two"}`, "two"],
  ["JSON inside JSON", `{"body":"{\\"password\\":\\"hunter2\\"}"}`, "hunter2"],
  ["userinfo", "https://user:hunter2@example.org/x", "hunter2"],
  ["a password with an at sign", "postgres://user:part@er2@db:5432/afk", "er2"],
];

describe("known shapes", () => {
  const redact = createRedactor([]);

  test.each(SHAPES)("%s is redacted", (_kind, text, secret) => {
    const result = redact(text);
    expect(result).not.toContain(secret);
    expect(result).toContain(REDACTED);
  });

  test.each(SHAPES)("%s redacted twice is as redacted once", (_kind, text) => {
    expect(redact(redact(text))).toBe(redact(text));
  });

  test("what stands around a secret stays", () => {
    expect(redact("https://user:hunter2@example.org/x?token=abc&page=2 failed")).toBe(
      "https://[redacted]@example.org/x?token=[redacted]&page=2 failed",
    );
    const pem = "-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----";
    expect(redact(`a ${pem} b ${pem} c`)).toBe("a [redacted] b [redacted] c");
  });

  test.each([
    "ollama/qwen2.5:3b answered in 1200 ms",
    "anthropic/claude-haiku-4-5 and openai/gpt-4o-mini, gpt-oss:120b, text-embedding-3-small",
    "basic authentication and bearer authentication are words; so is a bearer-token",
    "the password was reset; a token bucket; secrets are safe; the secretary typed",
    "max_tokens: 512, input_tokens=20 tokens: 3",
    "task-runner-with-a-very-long-name sk-learn is not a key",
    "https://example.org/api/chat?page=2#a mail ops@example.org",
    `{"fencing token":3,"token":3,"key":"cap_hit/day/2026-11-21"}`,
    "model:ollama/qwen2.5:3b 2026-11-21T10:00:00.000Z 127.0.0.1:11434",
    newId(Date.parse("2026-11-21T10:00:00Z")),
    newId(Date.parse("2026-11-21T10:00:00Z")).toUpperCase(),
    createHash("sha256").update("x").digest("hex"),
    `sha256:${createHash("sha256").update("y").digest("hex")}`,
    createHash("sha256").update("z").digest("base64url"),
  ])("ordinary text stays as it is: %s", (text) => {
    expect(redact(text)).toBe(text);
  });

  test("JSON stays JSON", () => {
    const value = { a: SHAPES.map(([, text]) => text), token: "x y", password: 'q"uote', secret: 3, n: null };
    const result = redact(JSON.stringify(value));
    expect(() => JSON.parse(result)).not.toThrow();
    for (const [, , secret] of SHAPES) expect(result).not.toContain(secret);
  });

  test.each([
    "-----BEGIN PRIVATE KEY-----",
    "sk-",
    "eyJ-",
    "eyJaaaaaaaaa.",
    "a://",
    "a+b.c://x",
    "token=",
    "token ",
    "authorization: ",
    "bearer ",
    "basic a",
    "bot123:",
    "12345678:",
    "?key=",
    "AKIA",
    "/api/webhooks/",
    "xoxb-",
    "\\",
  ])("a long repetition of %j takes no longer than its length", (part) => {
    const text = part.repeat(Math.ceil(99_000 / part.length));
    const started = process.cpuUsage();
    redact(text);
    const spent = process.cpuUsage(started);
    // A pattern that goes over the text again from each place would take minutes.
    expect(spent.user + spent.system).toBeLessThan(3_000_000);
  });
});

describe("given secrets", () => {
  test("a secret is found in every way it may be written", () => {
    const secret = 'p@ss "w/rd" ü+1';
    const redact = createRedactor([secret]);
    const json = JSON.stringify(secret).slice(1, -1);
    for (const form of [
      secret,
      json,
      JSON.stringify(json).slice(1, -1),
      encodeURIComponent(secret),
      new URLSearchParams({ secret }).toString().slice("secret=".length),
      encodeURIComponent(secret).toLowerCase(),
    ]) {
      expect(redact(`<${form}>`), form).not.toMatch(/w\/rd|w%2/i);
    }
  });

  test.each(["", "u", "us", "user:", "longer-user:"])("a secret is found in base64 after %j", (before) => {
    const secret = "quite-a-long-secret";
    const redact = createRedactor([secret]);
    for (const encoding of ["base64", "base64url"] as const) {
      const text = Buffer.from(`${before}${secret}~~~`).toString(encoding);
      const middle = Buffer.from(`${before}${secret}`).toString(encoding).slice(-16, -6);
      expect(redact(text)).not.toContain(middle);
    }
  });

  test.each(["q7Zx", "lt7Q", "w9%k", "aBcDe"])("a secret as short as %s is found in base64 too", (secret) => {
    const redact = createRedactor([secret]);
    for (const before of ["", "u", "u:", "user:"]) {
      const text = Buffer.from(before + secret).toString("base64");
      expect(redact(`sent ${text} to it`)).toContain(REDACTED);
      expect(redact(`sent ${text} to it`)).not.toContain(text.slice(-6));
    }
  });

  test("the path of a secret address is a secret too", () => {
    const redact = createRedactor(["https://ntfy.example/my-topic-9f?x=1"]);
    expect(redact("POST /my-topic-9f?x=1 gave 500")).toBe("POST [redacted] gave 500");
    expect(redact("see https://ntfy.example/my-topic-9f?x=1.")).toBe("see [redacted].");
  });

  test("of two secrets that overlap nothing is left", () => {
    expect(createRedactor(["hunter", "hunter-and-more"])("a hunter-and-more b hunter")).toBe(
      "a [redacted] b [redacted]",
    );
  });

  test("characters with a meaning in patterns are taken as they are", () => {
    expect(createRedactor(["a.*(b)[c]$^+?{1}|\\"])("x a.*(b)[c]$^+?{1}|\\ axxb")).toBe("x [redacted] axxb");
  });

  test("empty and tiny secrets do not blot out the text", () => {
    expect(createRedactor(["", " ", "a", "no"])("a banana, no?")).toBe("a banana, no?");
  });

  test("no part of a secret at the place where a long text is cut remains", () => {
    const secret = "x9".repeat(3_000);
    for (let offset = 0; offset < 12_000; offset += 1_111) {
      const text = `${" ".repeat(100_000 - offset)}${secret}${" ".repeat(9_000)}`;
      expect(createRedactor([secret])(text).includes("x9"), `${offset}`).toBe(false);
      const shape = `${" ".repeat(100_000 - (offset % 40))}sk-${letters} ${letters}`;
      expect(createRedactor([])(shape).includes("sk-A"), `${offset}`).toBe(false);
    }
  });
});

test("names of fields that hold secrets are known", () => {
  for (const name of [
    "password",
    "apiKey",
    "api_key",
    "bot_token",
    "clientSecret",
    "Authorization",
    "Set-Cookie",
  ]) {
    expect(isSecretName(name), name).toBe(true);
  }
  for (const name of ["key", "tokens", "inputTokens", "author", "model", "secretary"]) {
    expect(isSecretName(name), name).toBe(false);
  }
});

test("a short word, which is not looked at for each shape, has none", () => {
  const redact = createRedactor([]);
  const starts = [
    "",
    "AKIA",
    "ASIA",
    "AIza",
    "ghp_",
    "npm_",
    "hf_",
    "tk_",
    "sk_live_",
    "whsec_",
    "SK",
    "eyJ",
    "bot",
    "M",
    "T",
  ];
  const word = fc
    .tuple(fc.constantFrom(...starts), fc.stringMatching(/^\w{0,19}$/))
    .map(([start, rest]) => (start + rest).slice(0, 19));
  fc.assert(
    fc.property(word, (short) => {
      expect(redact(short)).toBe(short);
      // Beside another word it is looked at like every text.
      expect(redact(`${short} and nothing besides`)).toBe(`${short} and nothing besides`);
    }),
    { numRuns: 5_000 },
  );
});

test("small letters and digits alone, which are not looked at either, have none", () => {
  const redact = createRedactor([]);
  const starts = [
    "",
    "bot",
    "sk",
    "ghp",
    "npm",
    "tk",
    "ya29",
    "eyj",
    "key",
    "token",
    "password",
    "bearer",
    "0",
  ];
  const word = fc
    .tuple(fc.constantFrom(...starts), fc.stringMatching(/^[a-z0-9]{0,100}$/))
    .map(([start, rest]) => (start + rest).slice(0, 100));
  fc.assert(
    fc.property(word, (small) => {
      expect(redact(small)).toBe(small);
      // Beside another word, after a space or in quotes, they are looked at like every text.
      for (const text of [`${small} and nothing besides`, `is "${small}", as it is`])
        expect(redact(text)).toBe(text);
    }),
    { numRuns: 5_000 },
  );
});

test("a word of small letters that is a secret of this configuration is taken out however long it is", () => {
  const secret = "0123456789abcdef".repeat(4);
  expect(createRedactor([secret])(secret)).toBe(REDACTED);
});

test("a short word that is a secret of this configuration is taken out all the same", () => {
  expect(createRedactor(["hunter2"])("hunter2")).toBe(REDACTED);
  expect(createRedactor(["hunter2"])("a_hunter2_b")).toBe(`a_${REDACTED}_b`);
});

test("takes a short word or number out where it stands by itself, and anything else wherever it is", () => {
  const redact = createRedactor(["swan", "2026", "ab12", "k!es"]);
  expect(redact("a swan, swan_lake, swans at 2026-11-29, 12026, swan")).toBe(
    "a [redacted], swan_lake, swans at [redacted]-11-29, 12026, [redacted]",
  );
  expect(redact('{"swan":1,"\\"swan\\": 2","is":"swan"}')).toBe(
    '{"swan":1,"\\"swan\\": 2","is":"[redacted]"}',
  );
  expect(redact("xab12y k!es")).toBe("x[redacted]y [redacted]");
});

test("hides what it learns of later too, and goes on hiding what it knew", () => {
  const { redact, learn } = createLearningRedactor(["first-secret"]);
  learn(["second-secret"]);
  expect(redact("first-secret second-secret")).toBe("[redacted] [redacted]");
});
