import { existsSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { describe, expect, it, onTestFinished } from "vitest";
import { openAgent } from "../../src/agent.ts";
import type { AlertPayload } from "../../src/alerts/events.ts";
import type { JobKind } from "../../src/jobs/job.ts";
import { messageOf } from "../../src/lib/errors.ts";
import { createRedactor } from "../../src/lib/redact.ts";
import { type Answer, receiver } from "../alerts/receiver.ts";
import { type Deployment, deployment } from "../support/afk.ts";
import { cases, chaosSeed, patience, report } from "../support/chaos.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { seededRandomness } from "../support/seeded.ts";
import { type Credential, makeCredentials, ORDINARY } from "./support/credentials.ts";
import { randomFrom } from "./support/hostile-text.ts";
import { leaksOf, locationsOf, rawBytes } from "./support/locations.ts";

const randomness = seededRandomness(chaosSeed("secrets"));
const redact = createRedactor([]);

describe("a credential is known by its shape", () => {
  const rounds = cases({ test: 20, chaos: 2_000 });
  it(`of each kind, ${rounds} of each`, { timeout: patience({ test: 180_000, chaos: 600_000 }) }, () => {
    let count = 0;
    for (let round = 0; round < rounds; round++) {
      for (const { kind, text, secret } of makeCredentials(randomness)) {
        for (const told of [text, `refused: ${text}, sorry`, JSON.stringify({ error: { message: text } })]) {
          const result = redact(told);
          // Neither the whole nor what would be left of one that was known by half.
          expect(result, kind).not.toContain(secret.slice(0, 12));
          expect(result, kind).not.toContain(secret.slice(-8));
          expect(redact(result), kind).toBe(result);
          if (told.startsWith('{"error"')) JSON.parse(result);
          count += 1;
        }
      }
    }
    report("secrets by shape", count);
  });

  it.each(ORDINARY)("and ordinary text stays: %s", (text) => {
    expect(redact(text)).toBe(text);
  });
});

it("a configuration that is refused does not tell a credential in the wrong place", async () => {
  const target = deployment();
  let count = 0;
  for (const { kind, text, secret } of makeCredentials(randomness)) {
    target.configure({
      agent: "test-agent",
      timezone: text,
      budget: { daily_cap_usd: text },
      models: {
        chain: [text],
        providers: { openai: { base_url: `ftp://ops:${secret}@example.org`, api_key: [text] } },
      },
      egress: { allow: [text], contact: text },
      alerts: [
        { type: "ntfy", url: text },
        { type: text, url: "x" },
      ],
      heartbeat: { ping_url: text, style: text },
      jobs: [
        {
          name: text,
          kind: "digest",
          every: text,
          schedule: text,
          sources: [{ feed: text }, { github: text }],
        },
      ],
    });
    const refused = await openAgent({ config: target.configFile, state: target.state, environment: {} }).then(
      () => "",
      messageOf,
    );
    expect(refused, kind).toContain("models.chain[0]");
    expect(leaksOf(secret, { refused }), kind).toEqual([]);
    expect(refused, kind).not.toContain(secret.slice(0, 14));
    count += 1;
  }
  report("secrets in a refused configuration", count);
});

it("code of others that throws a credential leaves none in database, logs and alerts", {
  timeout: 60_000,
}, async () => {
  const told: Credential[] = makeCredentials(randomness);
  const target = deployment({
    agent: "test-agent",
    budget: { daily_cap_usd: 1_000 },
    models: { chain: ["extractive"] },
    breaker: { failures: 1 },
    jobs: told.map((_, index) => ({
      name: caseOf(index),
      kind: "careless",
      every: "1d",
      retry: { attempts: 2 },
    })),
  });
  const careless: JobKind = {
    kind: "careless",
    settings: v.looseObject({}),
    run: async ({ name }) => {
      throw new Error(`it failed with ${told[Number(name.slice("case-".length))]?.text}`);
    },
  };
  const alerts: AlertPayload[] = [];
  const agent = await openAgent({
    config: target.configFile,
    state: target.state,
    environment: {},
    clock: fakeClock(),
    kinds: [careless],
    onAlert: (alert) => alerts.push(alert),
  });
  onTestFinished(() => agent.close());
  const results = [await agent.tick(), await agent.tick()];
  for (const [index, { text }] of told.entries()) {
    const call = agent.guard(`${caseOf(index)}`, 0.01, () => Promise.reject(new Error(`guarded ${text}`)));
    await expect(call).rejects.toThrow("guarded");
  }
  const { told: kept } = locationsOf(target);
  for (const place of [
    "jobs.error",
    "dead_letters.error",
    "ledger.error",
    "breakers.reason",
    "ticks.reason",
  ]) {
    expect(kept[place], place).toContain("[redacted]");
  }
  const locations = {
    ...kept,
    alerts: JSON.stringify(alerts),
    results: JSON.stringify(results),
    ...rawBytes(target),
  };
  const leaks = told.flatMap(({ kind, secret }) =>
    leaksOf(secret, locations).map((leak) => `${kind}: ${leak}`),
  );
  expect(leaks).toEqual([]);
  report("secrets thrown by code", told.length * 3);
});

/** A host that no name server is asked for, since a label has at most 63 characters. */
const NOWHERE = `https://${"x".repeat(64)}.test`;

describe("a night on which everything fails", { timeout: 120_000 }, () => {
  it("tells nobody a secret: not of the configuration, nor of what servers, feeds and items said", async () => {
    const config = configSecrets();
    const [refusals, items, addresses] = [1, 2, 3].map(() => makeCredentials(randomness)) as [
      Credential[],
      Credential[],
      Credential[],
    ];
    // An address can hold what is a credential by itself, as a part of its path.
    const paths = addresses
      .filter(({ text, secret }) => text === secret && !secret.includes("/"))
      .slice(0, 44);
    const { target, told, environment, mode } = await deploy(config, refusals, items, paths);

    const words = [
      ["tick"],
      ["status", "--json"],
      ["status"],
      ["doctor", "--json"],
      ["dead", "list", "--json"],
      ["dead", "show", "case-00"],
      ["jobs", "list", "--json"],
      ["jobs", "show", "case-01"],
      ["ledger", "list", "--json"],
      ["tick", "--now", "case-00"],
      ["stop", "--reason", `found ${refusals[0]?.text} and ${config.literalKey}`],
      ["status", "--json"],
    ];
    for (const [index, each] of words.entries()) {
      const line = each.map((word) =>
        word.startsWith("case-") && each[1] === "show" ? keyOf(target, word) : word,
      );
      // At last the key is refused, which opens the breaker.
      mode.refusesKeys = each.includes("--now");
      const { stdout, stderr } = await target.afk(line, environment);
      told[`${index} ${each[0]} stdout`] = stdout;
      told[`${index} ${each[0]} stderr`] = stderr;
    }
    expect(told["0 tick stderr"], "the tick ran").toBe("");
    const locations = locationsOf(target);
    const raw = rawBytes(target);
    const everywhere = { ...told, ...locations.told, ...locations.content, ...raw };

    // The attack reached what it was aimed at: errors are there, readable but for the secrets.
    const died = target.query("select name from dead_letters");
    // An error under 200 is no answer of the model: the job waits for one.
    const ended = target.query(
      "select name from dead_letters union select name from jobs where waiting_since is not null",
    );
    expect(ended).toHaveLength(refusals.length);
    expect(died.length).toBeGreaterThan(refusals.length / 2);
    expect(locations.told["dead_letters.error"]).toContain("the provider said of case-00: ");
    expect(told.hook).toContain('"event":"job_dead"');
    expect(locations.content["steps.result"]).toContain("answered 404");
    for (const place of [
      "jobs.error",
      "dead_letters.error",
      "ledger.error",
      "breakers.reason",
      "ticks.reason",
      "kill_switch.reason",
    ]) {
      expect(locations.told[place], place).toContain("[redacted]");
    }

    const leaks: string[] = [];
    for (const [name, secret] of Object.entries(config)) {
      leaks.push(...leaksOf(secret, everywhere).map((leak) => `configuration, ${name}: ${leak}`));
    }
    for (const { kind, secret } of [...refusals, ...paths]) {
      leaks.push(...leaksOf(secret, everywhere).map((leak) => `error, ${kind}: ${leak}`));
    }
    // What an item says is content, which its owner asked for; what afk says of it is not.
    for (const { kind, secret } of items) {
      leaks.push(...leaksOf(secret, { ...told, ...locations.told }).map((leak) => `item, ${kind}: ${leak}`));
    }
    const count = Object.keys(config).length + refusals.length + paths.length + items.length;
    report(
      "secrets",
      count,
      `${makeCredentials(randomness).length} kinds, ${Object.keys(everywhere).length} locations`,
    );
    expect(leaks).toEqual([]);

    // The control: the search finds what is there.
    const found = items.filter(({ secret }) => leaksOf(secret, locations.content).length > 0);
    expect(found.length).toBe(items.length);
  });
});

function configSecrets() {
  const random = randomFrom(randomness);
  // Of no known shape, so that only knowing them helps.
  const word = (length: number) =>
    `q7${random.many(length, () => "abcdefghkmnpqrstuvwxyz23456789".charAt(random.below(30)))}`;
  return {
    variableKey: `${word(20)}+/"\\&=`,
    literalKey: word(30),
    hookPath: word(24),
    literalTopic: word(24),
    pingId: word(30),
  };
}

type ConfigSecrets = ReturnType<typeof configSecrets>;

async function deploy(
  config: ConfigSecrets,
  refusals: Credential[],
  items: Credential[],
  paths: Credential[],
) {
  const told: Record<string, string> = { hook: "", models: "" };
  const mode = { refusesKeys: false };
  const model = await receiver(({ body, headers }) => {
    const { status, ...answer } = answerOf(refusals, body, headers.authorization);
    return { ...answer, status: mode.refusesKeys ? 401 : (status ?? 200) };
  });
  const hook = await receiver(({ body }) => {
    told.hook += body;
    return {};
  });
  const site = await receiver(({ path }) =>
    path.startsWith("/moved/")
      ? { status: 302, headers: { location: `https://elsewhere.test${path.slice("/moved".length)}` } }
      : { status: 404 },
  );
  const target = deployment();
  target.configure({
    agent: "test-agent",
    budget: { daily_cap_usd: 1_000 },
    models: {
      chain: ["openai/test"],
      prices: { "openai/test": { input: 1, output: 1 } },
      providers: {
        openai: {
          base_url: model.url,
          // biome-ignore lint/suspicious/noTemplateCurlyInString: afk.yaml reads the environment so.
          api_key: "${MODEL_KEY}",
        },
        anthropic: { api_key: config.literalKey },
      },
    },
    breaker: { failures: 1_000, calls_per_minute: 100_000, same_request_per_hour: 10_000 },
    egress: { allow: ["127.0.0.1"], allow_private: ["127.0.0.1"], requests_per_minute: 10_000 },
    alerts: [
      // biome-ignore lint/suspicious/noTemplateCurlyInString: afk.yaml reads the environment so.
      { type: "webhook", url: "${HOOK_URL}" },
      { type: "ntfy", url: `${NOWHERE}/${config.literalTopic}` },
    ],
    heartbeat: { ping_url: `${NOWHERE}/${config.pingId}` },
    jobs: [
      ...refusals.map((_, index) => ({
        name: caseOf(index),
        kind: "digest",
        every: "1d",
        retry: { attempts: 1 },
        sources: [{ folder: `./inbox/${caseOf(index)}` }],
      })),
      {
        name: "all",
        kind: "digest",
        every: "1d",
        max_items: 200,
        sources: [
          { folder: "./inbox/all" },
          ...paths.map(({ secret }, index) => ({
            feed: `${site.url}/${index % 2 === 0 ? "moved" : "private"}/${secret}/feed.xml`,
          })),
        ],
      },
    ],
  });
  for (const index of refusals.keys()) {
    target.write(`inbox/${caseOf(index)}/note.md`, `# Title of ${caseOf(index)}\n\nThe harbour is open.\n`);
  }
  for (const [index, { text }] of items.entries()) {
    const title = text.includes("\n") ? `note ${index}` : text;
    target.write(`inbox/all/note-${index}.md`, `# ${title}\n\nSomebody wrote ${text}\n`);
  }
  const environment = { MODEL_KEY: config.variableKey, HOOK_URL: `${hook.url}/${config.hookPath}` };
  return { target, told, environment, mode };
}

/** Refuses each case with its credential and what the request was authorised with; answers everything else. */
function answerOf(refusals: Credential[], body: string, authorization = ""): Answer {
  const found = /Title of (case-\d+)/.exec(body)?.[1];
  if (found === undefined) {
    // The model repeats what it read, as models do.
    const said = JSON.parse(body)
      .messages.map((message: { content: string }) => message.content)
      .join("\n");
    return { body: JSON.stringify(chatCompletion(said)) };
  }
  const { text = "" } = refusals[Number(found.slice("case-".length))] ?? {};
  const message = `the provider said of ${found}: ${text} (${authorization})`;
  const error = JSON.stringify({
    error: { message, type: "invalid_request_error", param: null, code: null },
  });
  return {
    status: [400, 422, 200][Number(found.slice(-1)) % 3] ?? 400,
    headers: { "x-echo": encodeURIComponent(text) },
    body: error,
  };
}

function chatCompletion(content: string) {
  return {
    choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }],
    usage: { prompt_tokens: 100, completion_tokens: 50, total_tokens: 150 },
  };
}

function caseOf(index: number): string {
  return `case-${String(index).padStart(2, "0")}`;
}

function keyOf(target: Deployment, name: string): string {
  if (!existsSync(join(target.state, "afk.db"))) return name;
  return target.query<{ key: string }>("select key from jobs where name = ?", name)[0]?.key ?? name;
}
