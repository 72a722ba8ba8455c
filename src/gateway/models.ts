import type { GatewayConfig, ModelsConfig } from "../config/config.ts";
import { isOwnHost } from "../http/address.ts";
import { isFree, knownPrice, priceOf, UnpricedModel } from "../providers/prices.ts";
import { BadReference, parseReference } from "../providers/registry.ts";
import type { CallOptions, ProviderConfig, ProviderType } from "../providers/types.ts";
import type { Caller } from "./caller.ts";
import type { AskedModel, ListedModel, ProtocolName } from "./protocols/protocol.ts";

/** The types of providers that speak a protocol, the one that it belongs to first. Ollama speaks all three. */
const SPEAKERS: Readonly<Record<ProtocolName, readonly string[]>> = {
  anthropic: ["anthropic", "ollama"],
  openai: ["openai", "ollama"],
  ollama: ["ollama"],
};

/** Where a model of a type of provider that speaks one protocol alone is asked. */
const PATHS = { openai: "/v1/chat/completions or /v1/responses", anthropic: "/v1/messages" } as const;
/** Where a protocol's clients find the names of models. */
const LISTS: Readonly<Record<ProtocolName, string>> = {
  openai: "/v1/models",
  anthropic: "/v1/models",
  ollama: "/api/tags",
};

/** A model that a request may go to, and where that is. */
export interface Target extends AskedModel {
  /** The name of its breaker: of its own for a model that afk.yaml or the price list names, else one for all of its provider. */
  breaker: string;
  provider: string;
  type: ProviderType;
  config: ProviderConfig;
  /** The caller's own credential is handed on, since afk has none. */
  usesCallersKey: boolean;
  /** The look at a model that is taken for free; see RelayRules. */
  check: ((model: string, call: CallOptions) => Promise<void>) | null;
}

/** Which models there are for whom, by one state of the configuration. */
export type ModelBook = ReturnType<typeof createModelBook>;

/** Made anew when the configuration changes. */
export function createModelBook({ gateway, models }: { gateway: GatewayConfig; models: ModelsConfig }) {
  const targets = new Map<string, Target | null>();
  const checks = new Map<string, Target["check"]>();
  const offered = gateway.models === null ? null : new Set(Object.values(gateway.models));

  /** Null for a reference that names nothing, or whose calls have no bound. */
  function targetOf(reference: string): Target | null {
    let target = targets.get(reference);
    if (target === undefined) {
      target = readTarget(reference, models, checks, isStated(reference));
      // Clients can send any name.
      if (targets.size < TARGETS_MAX) targets.set(reference, target);
    }
    return target;
  }

  function isStated(reference: string): boolean {
    return (
      models.chain.includes(reference) ||
      Object.hasOwn(models.prices, reference) ||
      Object.values(gateway.models ?? {}).includes(reference)
    );
  }

  function speaks(target: Target, protocol: ProtocolName): boolean {
    return SPEAKERS[protocol].includes(target.providerType);
  }

  function mayUse(caller: Caller, reference: string, alias: string | null): boolean {
    if (offered !== null && !offered.has(reference)) return false;
    return (
      caller.models === null ||
      caller.models.includes(reference) ||
      (alias !== null && caller.models.includes(alias)) ||
      Object.entries(gateway.models ?? {}).some(
        ([name, value]) => value === reference && caller.models?.includes(name),
      )
    );
  }

  /** What a name may stand for, the likeliest first. */
  function* references(
    name: string,
    protocol: ProtocolName,
  ): Generator<[reference: string, alias: string | null]> {
    const aliases = gateway.models ?? {};
    if (Object.hasOwn(aliases, name)) yield [aliases[name] ?? "", name];
    yield [name, null];
    const isOfProvider = Object.hasOwn(models.providers, name.slice(0, Math.max(0, name.indexOf("/"))));
    // By the provider's own name for it. Ollama would take any name, and one of another provider is none of its.
    for (const type of SPEAKERS[protocol].filter((each) => each !== "ollama" || !isOfProvider))
      for (const [provider, config] of providersOf(type, models)) {
        if (offered?.has(`${provider}/${name}`) ?? isUsable(config)) yield [`${provider}/${name}`, null];
      }
  }

  function find(name: string, protocol: ProtocolName, caller: Caller): Target | null {
    for (const [reference, alias] of references(name, protocol)) {
      const target = targetOf(reference);
      if (target !== null && speaks(target, protocol) && mayUse(caller, reference, alias)) return target;
    }
    return null;
  }

  return {
    mayUse: (caller: Caller, reference: string) => mayUse(caller, reference, null),

    /** The model that a client means on a protocol's path; null for one that is unknown, unpriced, or not for this caller. */
    find,

    /** Why `find` gives null, and what to do about it: a clause. */
    whyNot(name: string, protocol: ProtocolName, caller: Caller): string {
      for (const other of ["openai", "anthropic"] as const) {
        const target = find(name, other, caller);
        if (target !== null)
          return `${target.reference} is asked at ${PATHS[other]}, since requests are not translated between protocols`;
      }
      for (const [reference] of references(name, protocol)) {
        const target = targetOf(reference);
        if (target !== null && speaks(target, protocol))
          return `${caller.title} may not use it; its owner can add it in afk.yaml, to gateway.models and to models of the client`;
      }
      return `it is not in gateway.models, its price is not known, or its provider has no key; GET ${LISTS[protocol]} lists what this key may ask for`;
    },

    priceOf: (reference: string) => targetOf(reference)?.price ?? null,

    /** A request without a model goes to the protocol's own provider, as far as that is there. */
    anyOf(protocol: ProtocolName): Target | null {
      const [provider] = providersOf(protocol, models)[0] ?? [];
      return provider === undefined ? null : targetOf(`${provider}/*`);
    },

    /** Who may answer in place of another one: models of the chain that speak the protocol and that the caller may use. */
    fallbacks(from: Target, protocol: ProtocolName, caller: Caller): Target[] {
      return models.chain.flatMap((reference) => {
        const target = targetOf(reference);
        if (target === null || reference === from.reference) return [];
        return speaks(target, protocol) && mayUse(caller, reference, null) ? [target] : [];
      });
    },

    /** What a caller may send as a model's name on a protocol's paths. */
    list(protocol: ProtocolName, caller: Caller): ListedModel[] {
      const names = new Map<string, string>(Object.entries(gateway.models ?? {}));
      for (const reference of [...models.chain, ...Object.keys(models.prices)])
        if (offered === null) names.set(reference, reference);
      return [...names].flatMap(([name, reference]) => {
        const target = targetOf(reference);
        if (target === null || !speaks(target, protocol) || !mayUse(caller, reference, name)) return [];
        const shown = name === reference ? target.model : name;
        return [{ name: shown, reference }];
      });
    },
  };
}

const TARGETS_MAX = 2_000;

/** A server that can be asked: with a key, at home, or with the caller's own. */
function isUsable(config: ProviderConfig): boolean {
  return config.apiKey !== null || usesCallersKey(config) || isOwnHost(new URL(config.baseUrl));
}

function usesCallersKey(config: ProviderConfig): boolean {
  return config.auth === "client";
}

/** The provider named like the type first: it is the one that is meant where nothing else is said. */
function providersOf(type: string, models: ModelsConfig): [name: string, config: ProviderConfig][] {
  const found = Object.entries(models.providers).filter(([, config]) => config.type === type);
  return found.sort(([a], [b]) => Number(b === type) - Number(a === type));
}

function readTarget(
  reference: string,
  models: ModelsConfig,
  checks: Map<string, Target["check"]>,
  isStated: boolean,
): Target | null {
  try {
    const parsed = parseReference(reference, models.providers);
    if (parsed.isOffline) return null;
    const { name, model, type, config } = parsed;
    const price = priceOf(reference, models);
    const costsNothing = isFree(price);
    const options = { ...config, name, price, isFree: costsNothing };
    const isAssumedLocal = costsNothing && !Object.hasOwn(models.prices, reference);
    const check = checks.get(name) ?? type.relay.check?.(options) ?? null;
    checks.set(name, check);
    return {
      reference,
      // A client can make up any name of a server that costs nothing, and each would leave a breaker behind.
      breaker: isAssumedLocal && !isStated ? `model:${name}/*` : `model:${reference}`,
      model,
      provider: name,
      providerType: type.type,
      type,
      config,
      price,
      isFree: costsNothing,
      isOriginal: type.relay.isOriginal(new URL(config.baseUrl)),
      ...type.serverOf?.({ name, ...config }),
      usesCallersKey: usesCallersKey(config),
      check: isAssumedLocal ? check : null,
      priceOf: (other) => knownPrice(`${name}/${other}`, models),
    };
  } catch (error) {
    if (error instanceof BadReference || error instanceof UnpricedModel) return null;
    throw error;
  }
}
