import * as v from "valibot";
import { ownerCapsSchema } from "./caps.ts";
import { isAddress, isLoopback } from "./dashboard-schema.ts";
import { duration, flag, integer, list, pathTo, section, text } from "./fields.ts";

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

/** The `gateway:` section. What depends on other sections is checked in gateway-check.ts. */
export function gatewaySchema() {
  return v.pipe(
    section("Models for other programs, behind the same gates (docs/gateway.md).", {
      listen: v.optional(listen()),
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
      behind_proxy: v.optional(
        flag("A proxy in front of it speaks TLS; then it may listen on any address without tls."),
        false,
      ),
      tls: v.optional(
        section("Certificate and key as files, PEM.", {
          cert: path("File with the certificate, and those that it was signed with."),
          key: path("File with the certificate's private key."),
        }),
      ),
      models: v.optional(aliases()),
      clients: v.optional(clients(), []),
    }),
    v.rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed) return;
      const { listen, tls, behind_proxy } = dataset.value;
      const host = listen === undefined ? null : (parseListen(listen)?.host ?? null);
      if (host === null || isLocal(host) || tls !== undefined || behind_proxy) return;
      addIssue({
        message: `${host} can be reached from other machines, which would see keys and texts in the open; write tls: { cert: FILE, key: FILE }, or behind_proxy: true where a proxy in front of it speaks TLS, or listen on 127.0.0.1`,
        path: pathTo(dataset.value, "listen"),
      });
    }),
    v.transform(({ max_output_tokens, timeout, on_disconnect, behind_proxy, ...read }) => ({
      listen: read.listen === undefined ? null : parseListen(read.listen),
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

function listen() {
  const write = "write an IP address and a port, for example 127.0.0.1:4236 or [::1]:4236";
  return v.pipe(
    text(
      "Where afk run serves it, address and port; without it afk gateway alone does, at 127.0.0.1:4236. Any but a loopback address needs tls or behind_proxy.",
      write,
      /^\S+:\d+$/,
      300,
    ),
    v.check((value) => parseListen(value) !== null, write),
  );
}

/** Null for what is no address of a machine with a port. */
export function parseListen(listen: string): { host: string; port: number } | null {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(listen) ?? [];
  const host = bracketed ?? plain ?? "";
  const port = Number(digits);
  const isHost = bracketed === undefined ? host === "localhost" || isAddress(host) : isAddress(host);
  return isHost && host.includes(":") === (bracketed !== undefined) && port <= 65_535 ? { host, port } : null;
}

/** Whether only programs of this machine reach what listens there. */
export function isLocal(host: string): boolean {
  return host === "localhost" || isLoopback(host);
}

function path(description: string) {
  return text(description, "write the path of a PEM file", /^[^\0\r\n]+$/, 2000);
}

function aliases() {
  const alias =
    "write names without spaces, each with a model behind it, for example small: openai/gpt-5-mini";
  const model = "write the model that it stands for, PROVIDER/NAME, for example anthropic/claude-haiku-4-5";
  return v.pipe(
    v.record(
      v.pipe(v.string(alias), v.regex(/^\S{1,200}$/, alias)),
      v.pipe(
        v.string(model),
        v.regex(/^[A-Za-z0-9][\w.-]*\/\S+$/, model),
        v.description("The model that it stands for, PROVIDER/NAME."),
      ),
      alias,
    ),
    v.check(
      (all) => Object.keys(all).length > 0,
      "names no model, so that none may be used; write at least one, or leave models out for every model that has a price",
    ),
    v.description(
      "What may be asked for: the models behind these names, by the name or as the provider calls them. Every model with a price unless stated.",
    ),
  );
}

function clients() {
  const models =
    "write names of gateway.models, or models as PROVIDER/NAME, for example [small]; leave it out for all";
  const client = section("A program that may ask, and for what.", {
    name: text(
      "The client's name; its spend and caps go by it.",
      "write a name of letters, digits, dots, - and _, at most 64, for example laptop",
      /^[A-Za-z0-9][A-Za-z0-9._-]*$/,
      64,
    ),
    key: v.optional(clientKey()),
    caps: ownerCapsSchema("client"),
    models: v.optional(
      list(
        "The models that it may use; all that the gateway offers unless stated.",
        models,
        name(models),
        200,
      ),
    ),
    allow: v.optional(
      v.pipe(
        v.array(v.picklist(ALLOWABLE), `write a list of ${ALLOWABLE.join(", ")}`),
        v.description(
          "What it may have done at the provider beside plain replies, each at a price of its own: web_search, code_execution, mcp… (docs/gateway.md).",
        ),
      ),
      [],
    ),
  });
  return v.pipe(
    v.array(client, "write a list of clients, each beginning with `- name:`"),
    v.maxLength(100, "write at most 100 clients"),
    v.rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed) return;
      const clients = dataset.value;
      for (const [index, { name, key }] of clients.entries()) {
        const twin = clients.findIndex((each) => each.name === name);
        if (twin !== index)
          addIssue({
            message: `found ${JSON.stringify(name)}, which is the name of gateway.clients[${twin}] already; write another`,
            path: pathTo(clients, index, "name"),
          });
        const owner = clients.findIndex((each) => each.key !== undefined && each.key === key);
        if (key !== undefined && owner !== index)
          addIssue({
            message: `is the key of gateway.clients[${owner}] already; give each client a key of its own, so that its calls count as its own`,
            path: pathTo(clients, index, "key"),
          });
      }
    }),
    v.description("Who may ask. A client without a key here has those that `afk key make NAME` made."),
  );
}

function name(write: string) {
  return v.pipe(v.string(write), v.regex(/^\S{1,200}$/, write));
}

/** Whatever a key consists of has to stand in a path as it is. */
function clientKey() {
  const write = `write a key of 16 or more letters, digits and . _ ~ + = -, best as \${NAME} from the environment; or leave it out, and run: afk key make NAME`;
  return text("A key of this client; more are made by `afk key make NAME`.", write, /^[\w.~+=-]{16,}$/, 500);
}
