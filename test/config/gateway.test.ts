// biome-ignore-all lint/suspicious/noTemplateCurlyInString: afk.yaml has them in plain texts.
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { configHash } from "../../src/config/hash.ts";
import { readConfig } from "../../src/ops/read-config.ts";
import { folderForTest, issuesOf, linesOf, load, withBase } from "./support.ts";

const KEY = "laptop-key-0123456789";

const gatewayOf = (gateway: unknown, more: object = {}) => withBase({ gateway, ...more });
const linesOfGateway = (gateway: unknown, more: object = {}) => linesOf(gatewayOf(gateway, more));
const withClient = (client: object, more: object = {}) =>
  gatewayOf({ clients: [{ name: "laptop", ...client }], ...more });

describe("the section gateway", () => {
  it("is read whole", () => {
    const cwd = folderForTest();
    const config = load(
      gatewayOf({
        listen: "127.0.0.1:4236",
        max_output_tokens: 1000,
        timeout: "10m",
        on_disconnect: "abort",
        replay: false,
        tls: { cert: "./cert.pem", key: "/etc/key.pem" },
        models: { small: "anthropic/claude-haiku-4-5" },
        clients: [
          { name: "laptop", key: "${LAPTOP_KEY}", caps: { daily_usd: 2 }, models: ["small"] },
          { name: "ci", allow: ["web_search"] },
        ],
      }),
      { cwd, environment: { LAPTOP_KEY: KEY } },
    );
    expect(config.gateway).toEqual({
      listen: { host: "127.0.0.1", port: 4236 },
      tls: { cert: join(cwd, "cert.pem"), key: "/etc/key.pem" },
      isBehindProxy: false,
      maxOutputTokens: 1000,
      timeoutMs: 600_000,
      onDisconnect: "abort",
      replays: false,
      models: { small: "anthropic/claude-haiku-4-5" },
      clients: [
        { name: "laptop", key: KEY, models: ["small"], allow: [] },
        { name: "ci", key: null, models: null, allow: ["web_search"] },
      ],
    });
    expect(config.budget.owners.client).toEqual({ laptop: { day_micros: 2_000_000 } });
  });

  it("listens nowhere, offers what has a price and knows nobody where it is left out", () => {
    expect(load(withBase({})).gateway).toMatchObject({ listen: null, tls: null, models: null, clients: [] });
  });

  it("keeps keys out of logs, and names and paths in", () => {
    const environment = { LAPTOP_KEY: KEY, NAME: "laptop", WHERE: "127.0.0.1:4236" };
    const { secrets } = load(
      gatewayOf({
        listen: "${WHERE}",
        tls: { cert: "cert.pem", key: "secrets/gateway.pem" },
        clients: [
          { name: "${NAME}", key: "${LAPTOP_KEY}" },
          { name: "ci", key: "a-key-in-the-file-itself" },
        ],
      }),
      { environment },
    );
    expect(secrets.toSorted()).toEqual(["a-key-in-the-file-itself", KEY].toSorted());
  });

  it("has the same hash with another key and another address, and another one with other clients", () => {
    const hashOf = (gateway: unknown) => configHash(load(gatewayOf(gateway)));
    const clients = [{ name: "laptop", key: KEY }];
    const hash = hashOf({ clients });
    expect(hashOf({ clients: [{ name: "laptop", key: "another-key-0123456789" }] })).toBe(hash);
    expect(hashOf({ clients, listen: "127.0.0.1:1", tls: { cert: "a", key: "b" } })).toBe(hash);
    expect(hashOf({ clients: [{ name: "desktop", key: KEY }] })).not.toBe(hash);
  });

  it.each(["127.0.0.1:4236", "127.8.9.1:0", "[::1]:4236", "localhost:80"])(
    "listens on %s without more",
    (listen) => {
      expect(load(gatewayOf({ listen })).gateway.listen).not.toBeNull();
    },
  );

  it.each(["0.0.0.0:4236", "192.168.1.5:4236", "[::]:4236", "[::ffff:127.0.0.1]:1"])(
    "listens on %s with tls or behind a proxy alone",
    (listen) => {
      expect(linesOfGateway({ listen })).toEqual([
        expect.stringMatching(
          /^gateway\.listen: .* can be reached from other machines.*write tls: \{ cert: FILE, key: FILE \}, or behind_proxy: true/,
        ),
      ]);
      expect(load(gatewayOf({ listen, behind_proxy: true })).gateway.listen).not.toBeNull();
      expect(load(gatewayOf({ listen, tls: { cert: "a", key: "b" } })).gateway.listen).not.toBeNull();
    },
  );

  it.each([
    "4236",
    ":4236",
    "127.0.0.1",
    "127.0.0.1:65536",
    "::1:4236",
    "[127.0.0.1]:1",
    "example.org:80",
    "999.1.1.1:80",
    "*:80",
    "http://127.0.0.1:80",
  ])("refuses to listen on %s, and says what to write", (listen) => {
    expect(linesOfGateway({ listen, behind_proxy: true })).toEqual([
      `gateway.listen: found "${listen}"; write an IP address and a port, for example 127.0.0.1:4236 or [::1]:4236`,
    ]);
  });
});

describe("a client", () => {
  it.each([
    ["nothing", null],
    ["a negative number", { daily_usd: -1 }],
    ["no number", { daily_usd: Number.NaN }],
    ["a null", { daily_usd: null }],
    ["a text", { daily_calls: "5" }],
    ["half a call", { daily_calls: 0.5 }],
    ["a list", []],
    ["an unknown window", { yearly_usd: 1 }],
    ["the cap of a run, of which it has none", { run_usd: 1 }],
  ])("whose caps are %s is refused", (_, caps) => {
    expect(
      issuesOf(withClient({ caps })).every(({ path }) => path.startsWith("gateway.clients[0].caps")),
    ).toBe(true);
  });

  it.each([".nan", ".inf", "-.inf", "''", "~", "0x10", "-0.01"])(
    "whose cap is %s in YAML is refused",
    (cap) => {
      const yaml = `{ agent: a, budget: { daily_cap_usd: 1 }, models: { chain: [extractive] }, gateway: { clients: [{ name: a, caps: { daily_usd: ${cap} } }] } }`;
      expect(issuesOf(yaml)).not.toEqual([]);
    },
  );

  it("may be given nothing: 0 is a cap of 0", () => {
    const { budget } = load(withClient({ caps: { daily_usd: 0, hourly_tokens: 0, monthly_calls: 0 } }));
    expect(budget.owners.client).toEqual({ laptop: { day_micros: 0, hour_tokens: 0, month_calls: 0 } });
  });

  it("has a name and a key of its own", () => {
    const clients = [
      { name: "laptop", key: KEY },
      { name: "laptop", key: KEY },
    ];
    const lines = linesOfGateway({ clients });
    expect(lines).toEqual([
      'gateway.clients[1].name: found "laptop", which is the name of gateway.clients[0] already; write another',
      expect.stringContaining("gateway.clients[1].key: is the key of gateway.clients[0] already"),
    ]);
    expect(lines.join()).not.toContain(KEY);
  });

  it("has no key that is short, that a path could not carry, or that is a provider's", () => {
    for (const key of [
      "short",
      "0123456789abcde",
      "with spaces in the key",
      "with/slashes/in/the/key",
      "%41-0123456789abcdef",
    ]) {
      const [line = ""] = linesOf(withClient({ key }));
      expect(line).toContain(`found a text of ${key.length} characters; write a key of 16 or more letters`);
      expect(line).not.toContain(key);
    }
    const environment = { OPENAI_API_KEY: "sk-0123456789abcdef" };
    expect(linesOf(withClient({ key: environment.OPENAI_API_KEY }), { environment })).toEqual([
      expect.stringContaining(
        "gateway.clients[0].key: is the key of the provider openai, which clients must not have",
      ),
    ]);
  });

  it("may use what gateway.models has, by its alias or its reference", () => {
    const models = { small: "openai/gpt-5-mini", big: "openai/gpt-5" };
    const ofClient = (...wanted: string[]) => withClient({ models: wanted }, { models });
    expect(load(ofClient("small", "openai/gpt-5")).gateway.clients[0]?.models).toHaveLength(2);
    expect(linesOf(ofClient("smal"))).toEqual([
      'gateway.clients[0].models[0]: found "smal", which gateway.models lacks; did you mean small? write one of small, big, openai/gpt-5-mini, openai/gpt-5, or add it to gateway.models',
    ]);
    expect(linesOf(withClient({ models: ["small"] }))).toEqual([
      expect.stringContaining('gateway.clients[0].models[0]: found "small"; write one of ollama/MODEL'),
    ]);
    expect(linesOf(withClient({ models: [] }))).toHaveLength(1);
  });
});

describe("gateway.models", () => {
  it.each([
    [{ small: "opnai/gpt-5" }, 'found "opnai/gpt-5"; did you mean openai/gpt-5?'],
    [{ small: "extractive" }, 'found "extractive"; write the model that it stands for'],
    [{ "openai/gpt-5": "ollama/small" }, "this name reads as another model than ollama/small"],
    [{ "two words": "openai/gpt-5" }, "write names without spaces"],
    [{}, "write at least one, or leave models out"],
  ])("of %j is refused: %s", (models, words) => {
    expect(linesOfGateway({ models })).toEqual([expect.stringContaining(words)]);
  });

  it("has a price for each, and a daily cap in dollars where one costs money", () => {
    const read = (file: object) => {
      const cwd = folderForTest();
      load(file, { cwd });
      return readConfig({ config: join(cwd, "afk.yaml"), environment: {} }, () => []);
    };
    expect(() => read(gatewayOf({ models: { small: "openai/nobody-knows" } }))).toThrow(
      /gateway\.models\.small: The price of openai\/nobody-knows is not known.*under models\.prices/,
    );
    expect(() => read(withClient({ models: ["openai/nobody-knows"] }))).toThrow(
      /gateway\.clients\[0\]\.models\[0\]: The price of/,
    );
    const budget = { daily_cap_calls: 5 };
    const costly = gatewayOf({ models: { small: "anthropic/claude-haiku-4-5" } }, { budget });
    expect(() => read(costly)).toThrow(
      /budget\.daily_cap_usd: missing.*since anthropic\/claude-haiku-4-5 costs money/,
    );
    expect(() => read({ ...withClient({}), budget })).toThrow(
      /since the gateway offers every model that has a price/,
    );
    expect(read({ ...withClient({ models: ["ollama/llama3"] }), budget }).gateway.clients).toHaveLength(1);
  });
});

describe("auth: client", () => {
  const providers = { plan: { type: "anthropic", base_url: "https://api.anthropic.com", auth: "client" } };
  const models = (over: object) => withBase({ models: { chain: ["extractive"], ...over } });

  it("takes no key, not the environment's either", () => {
    const environment = { ANTHROPIC_API_KEY: "sk-ant-0123456789abcdef" };
    const config = load(models({ providers: { anthropic: { auth: "client" } } }), { environment });
    expect(config.models.providers.anthropic).toMatchObject({ apiKey: null, auth: "client" });
    expect(linesOf(models({ providers: { plan: { ...providers.plan, api_key: "sk-0123456789" } } }))).toEqual(
      [
        "models.providers.plan.api_key: stands beside auth: client, which hands on the caller's own credential; take one of the two out",
      ],
    );
  });

  it("is nothing for the chain, which has no caller", () => {
    expect(linesOf(models({ chain: ["plan/claude-opus-5"], providers }))).toEqual([
      expect.stringContaining('models.chain[0]: found "plan/claude-opus-5"; plan has auth: client'),
    ]);
  });

  it("is the only word that may stand there", () => {
    expect(linesOf(models({ providers: { openai: { auth: "none" } } }))).toHaveLength(1);
  });
});
