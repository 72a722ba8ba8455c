import * as v from "valibot";
import { flag, integer, section, text, url } from "./fields.ts";
import { HOST_PATTERN, isLoopbackHost } from "./hosts.ts";

/** Where the page is unless afk.yaml says otherwise; no well-known service uses it. */
const DASHBOARD_PORT = 4235;

/** The `dashboard:` section. */
export function dashboardSchema() {
  return v.pipe(
    section("The read-only page that `afk run` and `afk dashboard` serve.", {
      enabled: v.optional(flag("Whether `afk run` serves it; `afk dashboard` always does."), true),
      port: v.optional(integer("TCP port; 0 takes any that is free.", "a port", [0, 65_535]), DASHBOARD_PORT),
      bind: v.optional(address(), "127.0.0.1"),
      hosts: v.optional(hosts(), []),
      token: v.optional(token()),
      url: v.optional(
        url(
          "The page's address as people reach it, for links in what is delivered and in the feed; none unless stated.",
          "https://vm.example.org/",
        ),
      ),
    }),
    v.rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed || dataset.value.token !== undefined) return;
      // What is no address is reported already.
      if (!isAddress(dataset.value.bind) || isLoopback(dataset.value.bind)) return;
      addIssue({
        message: `${dataset.value.bind} can be reached from other machines, which takes a token; set DASHBOARD_TOKEN, or leave bind out`,
      });
    }),
    v.transform(({ enabled: isEnabled, token = null, url = null, ...rest }) => {
      const named = url === null ? [] : [new URL(url).hostname];
      return { isEnabled, ...rest, hosts: [...rest.hosts, ...named], token, url };
    }),
  );
}

/** Whether only this machine reaches the address. */
export function isLoopback(bind: string): boolean {
  return isLoopbackHost(urlHost(bind) ?? "");
}

/** Four decimal parts, or an IPv6 address without a zone; URL knows which of these exist. */
export function isAddress(value: string): boolean {
  return /^(?:\d{1,3}(?:\.\d{1,3}){3}|[\da-f:.]*:[\da-f:.]*)$/i.test(value) && urlHost(value) !== null;
}

function urlHost(address: string): string | null {
  return URL.parse(`http://${address.includes(":") ? `[${address}]` : address}/`)?.hostname ?? null;
}

function address() {
  const write = "write an IP address of this machine, for example 127.0.0.1, or 0.0.0.0 for all of them";
  return v.pipe(
    v.string(write),
    v.check(isAddress, write),
    v.description("Address it listens on. Any but a loopback address needs a token."),
  );
}

function hosts() {
  const write =
    "write host names as a browser shows them, without scheme and port, for example vm.example.org";
  return v.pipe(
    v.array(
      v.pipe(v.string(write), v.regex(HOST_PATTERN, write), v.toLowerCase()),
      "write a list of host names",
    ),
    v.maxLength(20, "write at most 20 host names"),
    v.description("Names, besides localhost, under which browsers may ask for it."),
  );
}

function token() {
  const write = `write a token of 16 or more letters and digits, best as \${DASHBOARD_TOKEN} from the environment`;
  return text("Whoever shows it may look; read from DASHBOARD_TOKEN too.", write, /^[\w.~+/=-]{16,}$/, 500);
}
