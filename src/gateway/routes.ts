import { anthropic } from "./protocols/anthropic/anthropic.ts";
import { ollama } from "./protocols/ollama/ollama.ts";
import { openai } from "./protocols/openai/openai.ts";
import type { Protocol, RequestHead, Route } from "./protocols/protocol.ts";

/** Every protocol, in the order in which their routes are looked at. */
const PROTOCOLS: readonly Protocol[] = [openai, anthropic, ollama];

const EXACT = new Map<string, Route[]>();
const BELOW: Route[] = [];
for (const route of PROTOCOLS.flatMap(({ routes }) => routes)) {
  if (route.path.endsWith("*")) BELOW.push(route);
  else EXACT.set(keyOf(route), [...(EXACT.get(keyOf(route)) ?? []), route]);
}

/** Every route that can reach a provider. */
export const CALL_ROUTES = PROTOCOLS.flatMap(({ routes }) => routes).filter((route) => route.type === "call");

/** The route of a request; null for what is not listed, which reaches no provider. */
export function routeOf(head: RequestHead): Route | null {
  const found = EXACT.get(keyOf(head)) ?? BELOW.filter((route) => isBelow(route, head));
  const spoken = protocolOf(head).name;
  return found.find(({ protocol }) => protocol === spoken) ?? found[0] ?? null;
}

/** Whose words a request is answered in: by its path, or by the header that all of Anthropic's clients send. */
export function protocolOf({ path, headers }: RequestHead): Protocol {
  if (path.startsWith("/api/") && !path.startsWith("/api/hello") && !path.startsWith("/api/event_logging"))
    return ollama;
  const isAnthropic =
    headers["anthropic-version"] !== undefined ||
    /^(\/v1)*\/messages(\/|$)/.test(path) ||
    path.startsWith("/api/");
  return isAnthropic ? anthropic : openai;
}

function isBelow(route: Route, { method, path }: RequestHead): boolean {
  const prefix = route.path.slice(0, -1);
  return route.method === method && path.startsWith(prefix) && path.length > prefix.length;
}

function keyOf({ method, path }: { method: string; path: string }): string {
  return `${method} ${path}`;
}
