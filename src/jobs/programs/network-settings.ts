import * as v from "valibot";
import type { Config } from "../../config/config.ts";
import type { ConfigIssue } from "../../config/errors.ts";
import { list } from "../../config/fields.ts";
import { HOST_PATTERN } from "../../config/hosts.ts";

/** What a program can reach. */
const NETWORKS = ["gateway", "allowlist", "open"] as const;
export type NetworkName = (typeof NETWORKS)[number];

/** The key `network`, with what it is where a job does not say it. */
export function networkEntry<const Default extends NetworkName>(unlessStated: Default) {
  return v.optional(
    v.pipe(
      v.picklist(NETWORKS, "write gateway, allowlist or open"),
      v.description(
        "What the program can reach: its gateway alone, besides it the hosts of allow through afk's proxy, or the machine's whole network (docs/containment.md).",
      ),
    ),
    unlessStated,
  );
}

const WRITE_ALLOW =
  'write a list of hosts, each with its port where that is not 80 or 443, for example [pypi.org, "*.pythonhosted.org", "git.example.org:8443"]';

/** The key `allow`. */
export const allowEntry = v.optional(
  list(
    "Hosts that the program can reach with network: allowlist; those of egress.allow unless stated.",
    WRITE_ALLOW,
    v.pipe(
      v.string(WRITE_ALLOW),
      v.maxLength(260, WRITE_ALLOW),
      v.check((entry) => HOST_PATTERN.test(hostOf(entry)) && isPort(entry), WRITE_ALLOW),
      v.toLowerCase(),
      v.description("A host, or *. and a domain for all its subdomains; with a port where need be."),
    ),
    200,
  ),
);

/** The key `state`. */
export const stateEntry = v.optional(
  v.pipe(
    v.picklist(["hidden", "visible"], "write hidden or visible"),
    v.description(
      "Whether the agent's state, afk.yaml and files with secrets are hidden from the program; visible also leaves a program of root all its rights.",
    ),
  ),
  "hidden",
);

/** What a job's entry says of the network of its program, and of what the program sees. */
export interface NetworkSettings {
  hasGateway: boolean;
  network: NetworkName;
  /** `host` or `host:port`; null for the hosts of `egress.allow`. */
  allow: string[] | null;
  isStateVisible: boolean;
}

/** What one key means beside the others. */
export function checkNetwork({ hasGateway, network, allow }: NetworkSettings, config: Config): ConfigIssue[] {
  const issues: ConfigIssue[] = [];
  if (network === "gateway" && !hasGateway)
    issues.push({
      path: "network",
      message:
        "is gateway, and the job has none; write gateway: true beside it, or network: allowlist or open",
    });
  if (allow !== null && network !== "allowlist")
    issues.push({
      path: "allow",
      message: "counts with network: allowlist alone; write that, or leave allow out",
    });
  if (network !== "allowlist") return issues;
  if (allow === null && config.egress.allow.length === 0)
    issues.push({
      path: "network",
      message: "is allowlist, and there is no list; write allow: [example.org] beside it, or egress.allow",
    });
  const providers = Object.values(config.models.providers).map(({ baseUrl }) => new URL(baseUrl).hostname);
  for (const [index, entry] of (allow ?? []).entries())
    if (hasGateway && providers.some((host) => host === hostOf(entry)))
      issues.push({
        path: `allow[${index}]`,
        message: `found ${JSON.stringify(entry)}, a provider of models: programs ask it through the gateway alone, so that the caps hold; leave it out`,
      });
  return issues;
}

function hostOf(entry: string): string {
  return entry.replace(/:\d+$/, "");
}

function isPort(entry: string): boolean {
  const port = /:(\d+)$/.exec(entry)?.[1];
  return port === undefined || (Number(port) >= 1 && Number(port) <= 65_535);
}
