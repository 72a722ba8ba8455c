import * as v from "valibot";
import { ownerCapsSchema } from "./caps.ts";
import { duration, flag, integer, section, text } from "./fields.ts";

/** What a client may be allowed beyond text, tools of its own and pictures. Each starts work at the provider that has a price of its own. */
export const ALLOWABLE = [
  "web_search",
  "web_fetch",
  "file_search",
  "code_execution",
  "computer_use",
  "image_generation",
  "mcp",
  "audio",
  "advisor",
  "priority",
] as const;

/** The `gateway:` section. */
export function gatewaySchema() {
  return v.pipe(
    section("Models for other programs, behind the same gates (docs/gateway.md).", {
      listen: v.optional(
        text(
          "Address and port.",
          "write an address and a port, for example 127.0.0.1:4236",
          /^\S+:\d+$/,
          300,
        ),
      ),
      max_output_tokens: v.optional(
        integer(
          "Sent where a client sends no limit of its own.",
          "the most tokens of a reply",
          [1, 1_000_000],
        ),
        32_000,
      ),
      timeout: v.optional(duration("A request is given up after this long.", "1d"), "30m"),
      on_disconnect: v.optional(
        v.pipe(
          v.picklist(["finish", "abort"]),
          v.description("When a client leaves: read on, so that the cost is known, or hang up."),
        ),
        "finish",
      ),
      replay: v.optional(
        flag("Whether a request that is repeated gets the answer that was bought before."),
        true,
      ),
      behind_proxy: v.optional(flag("Something in front of it speaks TLS."), false),
      tls: v.optional(
        section("Certificate and key as files, PEM.", {
          cert: text("Path.", "write a path", /^[^\0]+$/, 2000),
          key: text("Path.", "write a path", /^[^\0]+$/, 2000),
        }),
      ),
      models: v.optional(v.pipe(v.record(v.string(), v.string()), v.description("Aliases."))),
      clients: v.optional(
        v.pipe(
          v.array(
            section("One client.", {
              name: text("Name.", "write a name", /^[A-Za-z0-9][A-Za-z0-9._-]*$/, 64),
              key: v.optional(text("Key.", "write a key", /^[!-~]+$/, 1000)),
              models: v.optional(v.array(v.string())),
              allow: v.optional(v.array(v.picklist(ALLOWABLE)), []),
              caps: ownerCapsSchema("client"),
            }),
          ),
          v.description("Who may ask."),
        ),
        [],
      ),
    }),
    v.transform(({ max_output_tokens, timeout, on_disconnect, behind_proxy, ...read }) => ({
      listen: parseListen(read.listen),
      tls: read.tls ?? null,
      isBehindProxy: behind_proxy,
      maxOutputTokens: max_output_tokens,
      timeoutMs: timeout,
      onDisconnect: on_disconnect,
      replays: read.replay,
      /** Reference by alias; null: every model with a price. */
      models: read.models ?? null,
      clients: read.clients.map(({ name, key = null, models = null, allow }) => ({
        name,
        key,
        models,
        allow,
      })),
    })),
  );
}

function parseListen(listen: string | undefined): { host: string; port: number } | null {
  if (listen === undefined) return null;
  const at = listen.lastIndexOf(":");
  return { host: listen.slice(0, at).replace(/^\[(.*)\]$/, "$1"), port: Number(listen.slice(at + 1)) };
}
