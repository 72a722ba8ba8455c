import { nearest } from "../lib/nearest.ts";
import { referenceAdvice } from "../providers/registry.ts";
import type { Config } from "./config.ts";
import type { ConfigIssue } from "./errors.ts";
import { formatPath, isSection, type Path } from "./path.ts";

/** A model that the gateway offers by name, and where afk.yaml says so. */
interface Offered {
  path: Path;
  reference: string;
}

/** What is wrong with the section `gateway` in view of the others. Prices are looked at by whoever knows them. */
export function gatewayIssues({ gateway, models }: Config): ConfigIssue[] {
  const providers = Object.keys(models.providers);
  const unknown = offeredModels({ gateway }).flatMap(({ path, reference }) => {
    if (isBehind(providers, reference)) return [];
    const advice = referenceAdvice(reference, providers, []);
    return [issueAt(path, `found ${JSON.stringify(reference)}; ${advice}`)];
  });
  const misleading = Object.entries(gateway.models ?? {}).flatMap(([alias, reference]) => {
    if (alias === reference || !isBehind(providers, alias)) return [];
    const message = `this name reads as another model than ${reference}; write a name of your own, such as small`;
    return [issueAt(["gateway", "models", alias], message)];
  });
  const clients = gateway.clients.flatMap((client, index) => [
    ...foreignModels(gateway.models, client.models, ["gateway", "clients", index, "models"]),
    ...providersKey(models.providers, client.key, ["gateway", "clients", index, "key"]),
  ]);
  return [...unknown, ...misleading, ...clients];
}

/** The models that the section `gateway` names; empty where it leaves that to what has a price. */
export function offeredModels({ gateway }: Pick<Config, "gateway">): Offered[] {
  if (gateway.models !== null)
    return Object.entries(gateway.models).map(([alias, reference]) => ({
      path: ["gateway", "models", alias],
      reference,
    }));
  return gateway.clients.flatMap(({ models }, client) =>
    (models ?? []).map((reference, index) => ({
      path: ["gateway", "clients", client, "models", index],
      reference,
    })),
  );
}

/** Whether somebody may ask for every model that has a price. */
export function isOpenToAll({ gateway, jobs }: Pick<Config, "gateway" | "jobs">): boolean {
  const hasJob = jobs.some(
    ({ settings, models }) => models === undefined && isSection(settings) && settings.hasGateway === true,
  );
  return gateway.models === null && (hasJob || gateway.clients.some(({ models }) => models === null));
}

function isBehind(providers: readonly string[], reference: string): boolean {
  return providers.some((name) => reference.startsWith(`${name}/`));
}

function foreignModels(
  offered: Readonly<Record<string, string>> | null,
  wanted: readonly string[] | null,
  path: Path,
): ConfigIssue[] {
  if (offered === null || wanted === null) return [];
  const known = [...new Set([...Object.keys(offered), ...Object.values(offered)])];
  return wanted.flatMap((name, index) => {
    if (known.includes(name)) return [];
    const meant = nearest(name, known);
    const advice = `${meant === null ? "" : `did you mean ${meant}? `}write one of ${known.join(", ")}, or add it to gateway.models`;
    return [
      issueAt([...path, index], `found ${JSON.stringify(name)}, which gateway.models lacks; ${advice}`),
    ];
  });
}

/** Whoever has such a key needs no gateway, and is stopped by no cap. */
function providersKey(
  providers: Config["models"]["providers"],
  key: string | null,
  path: Path,
): ConfigIssue[] {
  const owner = Object.entries(providers).find(([, { apiKey }]) => key !== null && apiKey === key);
  if (owner === undefined) return [];
  const message = `is the key of the provider ${owner[0]}, which clients must not have; leave it out, and run: afk key make NAME`;
  return [issueAt(path, message)];
}

function issueAt(path: Path, message: string): ConfigIssue {
  return { path: formatPath(path), message };
}
