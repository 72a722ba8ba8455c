import * as v from "valibot";
import { KNOWN_PROVIDERS, OFFLINE_NAMES, PROVIDER_TYPES } from "../providers/registry.ts";
import type { ProviderConfig, StatedPrice } from "../providers/types.ts";
import { duration, integer, number, pathTo, section, text, url } from "./fields.ts";
import { chainSchema, MODEL_PATTERN, referenceProblem } from "./model-reference.ts";

/** Variables of the environment that hold the keys of known providers, where afk.yaml states none. */
export const KEY_VARIABLES = Object.values(KNOWN_PROVIDERS).flatMap(({ keyVariable }) => keyVariable ?? []);

const NAME_PATTERN = /^[A-Za-z0-9][\w.-]{0,63}$/;

/** The `models:` section. */
export function modelsSchema() {
  const names = PROVIDER_TYPES.map(({ type }) => `${type}/NAME`).join(", ");
  const offline = OFFLINE_NAMES.join(", ");
  const models = section("Which models are asked, and how.", {
    chain: chainSchema(
      `Models in the order they are tried: ${names}, PROVIDER/NAME for another provider (docs/models.md), ${offline}.`,
    ),
    on_cap: v.optional(
      v.pipe(
        v.picklist(["halt", "fallback"]),
        v.description("When a cap is reached: halt, or go on with a model of the chain that costs nothing."),
      ),
      "halt",
    ),
    max_output_tokens: v.optional(
      integer("Bound on each reply, in tokens.", "the most tokens of a reply", [1, 1_000_000]),
      512,
    ),
    timeout: v.optional(duration("A model call is given up after this long.", "1d"), "5m"),
    providers: v.optional(providers(), {}),
    prices: v.optional(prices(), {}),
  });
  return v.pipe(
    models,
    v.rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed) return;
      const { chain, prices, providers } = dataset.value;
      const named = [...new Set([...Object.keys(KNOWN_PROVIDERS), ...Object.keys(providers)])].filter(
        (name) => addressOf(name, providers[name]?.base_url) !== null,
      );
      for (const [name, stated] of Object.entries(providers)) {
        if (stated?.auth === undefined || stated.api_key === undefined) continue;
        const message =
          "stands beside auth: client, which hands on the caller's own credential; take one of the two out";
        addIssue({ message, path: pathTo(dataset.value, "providers", name, "api_key") });
      }
      for (const [index, reference] of chain.entries()) {
        const message = referenceProblem(reference, named, (name) =>
          Object.hasOwn(providers, name) ? providers[name]?.auth : undefined,
        );
        if (message !== null) addIssue({ message, path: pathTo(dataset.value, "chain", index) });
      }
      for (const reference of Object.keys(prices)) {
        const message = referenceProblem(reference, named, () => undefined);
        if (message !== null) addIssue({ message, path: pathTo(dataset.value, "prices", reference) });
      }
    }),
    v.transform(({ chain, prices, ...read }) => ({
      chain,
      onCap: read.on_cap,
      maxOutputTokens: read.max_output_tokens,
      timeoutMs: read.timeout,
      providers: readProviders(read.providers),
      prices,
    })),
  );
}

function addressOf(name: string, stated: string | undefined): string | null {
  return stated ?? (Object.hasOwn(KNOWN_PROVIDERS, name) ? (KNOWN_PROVIDERS[name]?.baseUrl ?? null) : null);
}

type StatedProviders = Record<
  string,
  {
    type?: string | undefined;
    base_url?: string | undefined;
    api_key?: string | undefined;
    auth?: "client" | undefined;
  }
>;

/** Every known provider that has an address, and what the owner named, by name. */
function readProviders(stated: StatedProviders): Record<string, ProviderConfig> {
  const names = [...new Set([...Object.keys(KNOWN_PROVIDERS), ...Object.keys(stated)])];
  const entries = names.flatMap((name): [string, ProviderConfig][] => {
    const { type = KNOWN_PROVIDERS[name]?.type, base_url, api_key, auth, ...settings } = stated[name] ?? {};
    const baseUrl = addressOf(name, base_url);
    if (baseUrl === null || type === undefined) return [];
    const key = { apiKey: api_key ?? null, ...(auth !== undefined && { auth }) };
    return [[name, { type, baseUrl: baseUrl.replace(/\/+$/, ""), ...key, settings }]];
  });
  return Object.fromEntries(entries);
}

/** Each known name has the keys of its type; any other name is the owner's, and says its type and address. */
function providers() {
  const known = Object.entries(KNOWN_PROVIDERS).map(([name, { type, baseUrl }]) => {
    const own = PROVIDER_TYPES.find((each) => each.type === type)?.settings ?? {};
    const address =
      baseUrl === null
        ? url("Base address of the API.", "https://NAME.openai.azure.com/openai/v1")
        : v.optional(url("Base address of the API.", baseUrl), baseUrl);
    const entry = section(
      `Address and key${baseUrl === null ? "" : `; the address is ${baseUrl} unless stated`}.`,
      {
        type: v.optional(v.pipe(v.picklist([type]), v.description("The type that it has anyway."))),
        base_url: address,
        api_key: v.optional(apiKey()),
        auth: v.optional(callersAuth()),
        ...own,
      },
    );
    return [name, v.optional(entry)] as const;
  });
  const types = PROVIDER_TYPES.map(({ type }) => type);
  const settings = Object.assign({}, ...PROVIDER_TYPES.map((each) => each.settings)) as v.ObjectEntries;
  const own = v.pipe(
    section("A provider of your own naming; its models are NAME/MODEL.", {
      type: v.pipe(
        v.picklist(types, `write the protocol that it speaks: ${types.join(", ")}`),
        v.description("The protocol that it speaks."),
      ),
      base_url: url("Base address of the API.", "https://api.example.com/v1"),
      api_key: v.optional(apiKey()),
      auth: v.optional(callersAuth()),
      ...settings,
    }),
    v.rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed) return;
      const { type, base_url: _url, api_key: _key, auth: _auth, ...rest } = dataset.value;
      const known = PROVIDER_TYPES.find((each) => each.type === type)?.settings ?? {};
      const foreign = Object.keys(rest).filter((key) => !Object.hasOwn(known, key));
      if (foreign.length > 0)
        addIssue({ message: `a provider of type ${type} has no ${foreign.join(", ")}` });
    }),
  );
  return v.pipe(
    v.objectWithRest(Object.fromEntries(known), own, "write a section with a key for each provider"),
    v.check(
      (all) => Object.keys(all).every((name) => NAME_PATTERN.test(name)),
      (issue) => {
        const odd = Object.keys(issue.input as object).find((name) => !NAME_PATTERN.test(name));
        return `the name ${JSON.stringify(odd)} is none for a provider; write letters, digits, dots, - and _`;
      },
    ),
    v.description("Where the models are reached."),
  );
}

function apiKey() {
  const write = `write the key as the provider shows it, without spaces, best as \${NAME} from the environment`;
  return text(`Key of the API; best given as \${NAME}.`, write, /^[!-~]+$/, 1000);
}

function callersAuth() {
  return v.pipe(
    v.picklist(["client"]),
    v.description("client: its calls hand on the caller's own credential (docs/models.md)."),
  );
}

function prices() {
  const reference = "write prices under a model's name as in the chain, for example openai/my-model";
  const write = "write US dollars per million tokens, for example 0.40";
  const price = (description: string) => number(description, write, [0, 1_000_000]);
  const perMillion = "US dollars per million tokens.";
  return v.pipe(
    v.record(
      v.pipe(v.string(reference), v.regex(MODEL_PATTERN, reference)),
      v.pipe(
        section("Prices of one model.", {
          input: price(perMillion),
          output: price(perMillion),
          cache_read: v.optional(
            price("Input that was read from the provider's cache; as input unless stated."),
          ),
          cache_write: v.optional(
            price("Input that was written to the provider's cache; 1.25 times input unless stated."),
          ),
          cache_write_1h: v.optional(
            price(
              "The same for an hour or longer; at Anthropic 2 times input, else as cache_write, unless stated.",
            ),
          ),
          context_window: v.optional(
            integer(
              "The most tokens that the model takes; bounds what the gateway cannot count.",
              "the most tokens that the model takes",
              [1, 100_000_000],
            ),
          ),
        }),
        v.transform(
          ({ input, output, ...read }): StatedPrice => ({
            input,
            output,
            cacheRead: read.cache_read,
            cacheWrite: read.cache_write,
            cacheWrite1h: read.cache_write_1h,
            contextWindow: read.context_window,
          }),
        ),
      ),
      reference,
    ),
    v.description("Prices of models that the shipped table lacks, or has wrong; USD per million tokens."),
  );
}
