import { processEnvironment } from "../../config/environment.ts";
import { chooseContainment } from "../containment/containment.ts";
import type { RunProxy } from "../job.ts";

/** This machine: the gateway is there, and in a network of the program's own nothing else. */
const NO_PROXY = "127.0.0.1,localhost,::1";

/** The variables by which programs know a proxy, in both spellings: which of them counts differs from program to program. */
export async function proxyEnvironment(proxy: RunProxy | null): Promise<Record<string, string>> {
  if (proxy === null) return {};
  const { networkRefusal } = await chooseContainment(processEnvironment().PATH);
  // In a network of its own nobody else is there who could use it.
  const address = networkRefusal === null ? `http://127.0.0.1:${proxy.service.port}` : proxy.url;
  const variables = { HTTP_PROXY: address, HTTPS_PROXY: address, ALL_PROXY: address, NO_PROXY };
  const lower = Object.entries(variables).map(([name, value]) => [name.toLowerCase(), value] as const);
  return {
    ...variables,
    ...Object.fromEntries(lower),
    // Node asks a proxy only when it is told to.
    NODE_USE_ENV_PROXY: "1",
  };
}
