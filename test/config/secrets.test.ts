// biome-ignore-all lint/suspicious/noTemplateCurlyInString: afk.yaml has them in plain texts.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import type { JobSettingsKind } from "../../src/config/job-kind.ts";
import { folderForTest, KINDS, linesOf, load, withBase } from "./support.ts";

const providers = (entry: object) => withBase({ models: { chain: ["extractive"], providers: entry } });

describe("config.secrets", () => {
  it("holds what came from the environment, provider keys and addresses, each once", () => {
    const document = withBase({
      models: {
        chain: ["extractive"],
        providers: { openai: { api_key: "literal-key" }, anthropic: { api_key: "${K}" } },
      },
      alerts: [{ type: "webhook", url: "https://hook.example/${T}" }],
      heartbeat: { ping_url: "https://hc-ping.com/0f8b2a4e-1111-2222-3333-444455556666" },
      jobs: [{ name: "p", kind: "plain", command: ["${K}", "${SHORT}", "${LEAST}"] }],
    });
    const { secrets } = load(document, {
      environment: { K: "key-from-env", T: "token-1", SHORT: "abcd", LEAST: "abc" },
    });
    expect([...secrets].sort()).toEqual(
      [
        "literal-key",
        "abcd",
        "key-from-env",
        "token-1",
        "https://hook.example/token-1",
        "https://hc-ping.com/0f8b2a4e-1111-2222-3333-444455556666",
        "0f8b2a4e-1111-2222-3333-444455556666",
      ].sort(),
    );
  });

  it("holds the address of a calendar, whole and by the part that makes it secret, and no path of a file", () => {
    const kind: JobSettingsKind = {
      kind: "calendars",
      settings: v.object({ sources: v.array(v.record(v.string(), v.string())) }),
    };
    const sources = [
      { calendar: "webcal://calendar.example.org/private-0123456789/basic.ics" },
      { calendar: "./a-long-name-of-a-file.ics" },
    ];
    const { secrets } = load(withBase({ jobs: [{ name: "c", kind: "calendars", sources }] }), {
      jobKinds: [kind],
    });
    expect(secrets).toEqual([sources[0]?.calendar, "private-0123456789"]);
  });

  it("holds what stands under a name that says secret, wherever that is, and nothing else", () => {
    const names = [
      "GITHUB_TOKEN",
      "apiKey",
      "Db-Password",
      "SECRET_1",
      "aws_credentials",
      "AUTH_HEADER",
      "SESSION_COOKIE",
    ];
    const env = Object.fromEntries(names.map((name, n) => [name, `hid${n}`]));
    const kind: JobSettingsKind = { kind: "free", settings: v.looseObject({}) };
    const jobs = [
      {
        name: "f",
        kind: "free",
        env: { ...env, PATH: "/usr/bin", KEYBOARD: "qwerty", SHORT_KEY: "abc", ON_TOKEN: "true" },
      },
      { name: "g", kind: "free", nested: [{ password: 12345, token_limit: "max_tokens", monkey: "banana" }] },
    ];
    const { secrets } = load(withBase({ jobs }), { jobKinds: [kind] });
    expect([...secrets].sort()).toEqual([...Object.values(env), "12345"].sort());
  });

  it("puts longer ones first, so that hiding a part leaves no rest", () => {
    const { secrets } = load(
      withBase({ alerts: [{ type: "ntfy", url: "https://ntfy.sh/a-long-and-secret-topic" }] }),
    );
    expect(secrets).toEqual(["https://ntfy.sh/a-long-and-secret-topic", "a-long-and-secret-topic"]);
  });

  it("leaves out addresses on this machine and of providers that the file states", () => {
    const document = {
      ...providers({ openai: { base_url: "https://models.example/v1" } }),
      alerts: [{ type: "webhook", url: "http://127.0.0.1:8080/a-long-and-secret-topic" }],
      heartbeat: { ping_url: "http://localhost:1/a-long-and-secret-topic" },
    };
    expect(load(document).secrets).toEqual([]);
  });

  it("leaves out replaced texts that every output shows", () => {
    const document = withBase({ agent: "${AGENT}", timezone: "${ZONE}", egress: { allow: ["${HOST}"] } });
    const environment = { AGENT: "morning", ZONE: "Europe/Berlin", HOST: "example.org" };
    expect(load(document, { environment }).secrets).toEqual([]);
  });

  it("holds a base address that came from the environment", () => {
    const document = providers({ openai: { base_url: "${BASE}" } });
    expect(load(document, { environment: { BASE: "https://proxy.example/tok" } }).secrets).toEqual([
      "https://proxy.example/tok",
    ]);
  });
});

describe("provider keys", () => {
  it("come from OPENAI_API_KEY and ANTHROPIC_API_KEY when the file names none", () => {
    const file = join(folderForTest(), "key");
    writeFileSync(file, "ant-key-12345\n");
    const environment = { OPENAI_API_KEY: "sk-openai", ANTHROPIC_API_KEY_FILE: file };
    const { models, secrets } = load(withBase({}), { environment });
    expect(models.providers.openai).toMatchObject({
      baseUrl: "https://api.openai.com/v1",
      apiKey: "sk-openai",
    });
    expect(models.providers.anthropic?.apiKey).toBe("ant-key-12345");
    expect(models.providers.ollama?.apiKey).toBeNull();
    expect(secrets).toEqual(["ant-key-12345", "sk-openai"]);
  });

  it("come from the file first", () => {
    const document = providers({ openai: { api_key: "of-the-file", base_url: "http://127.0.0.1:9/v1" } });
    const { openai } = load(document, { environment: { OPENAI_API_KEY: "sk-openai" } }).models.providers;
    expect(openai).toMatchObject({ baseUrl: "http://127.0.0.1:9/v1", apiKey: "of-the-file" });
  });

  it("are refused when their file cannot be read, or when they could not go into a header", () => {
    expect(linesOf(withBase({}), { environment: { OPENAI_API_KEY_FILE: "/nowhere" } })[0]).toContain(
      "models.providers.openai.api_key: OPENAI_API_KEY_FILE names /nowhere, which cannot be read",
    );
    const [line] = linesOf(withBase({}), { environment: { OPENAI_API_KEY: "sk secret\n" } });
    expect(line).toContain('found the value of "${OPENAI_API_KEY}"');
    expect(line).not.toContain("sk secret");
  });
});

describe("refusals", () => {
  it("do not show what came from the environment", () => {
    const document = withBase({
      alerts: [{ type: "${S}", url: "${S}" }],
      jobs: [{ name: "r", kind: "read", sources: [{ feed: "https://hook.example/${S}" }] }],
    });
    const environment = { S: "s3cret-value" };
    expect(linesOf(document, { environment }).join()).not.toContain("s3cret");
    const onlyJobs = withBase({ jobs: document.jobs });
    // This one is refused by the kind's own check, which quotes the address.
    expect(linesOf(onlyJobs, { environment, jobKinds: KINDS })).toEqual([
      "jobs[0].sources[0].feed: https://hook.example/${S} is at a host that egress.allow lacks",
    ]);
  });
});
