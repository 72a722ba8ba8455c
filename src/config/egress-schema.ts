import * as v from "valibot";
import { integer, pathTo, section, text } from "./fields.ts";
import { HOST_PATTERN, hostMatches } from "./hosts.ts";

/** Which hosts may be fetched, and how often. */
export function egressSchema() {
  const list = 'write a list of hosts, for example [example.org, "*.example.org"]';
  return v.pipe(
    section("What the agent may fetch.", {
      allow: v.optional(
        v.pipe(
          v.array(host("A host name, or *. and a domain for all its subdomains."), list),
          v.description("Hosts that may be fetched; nothing else is."),
        ),
        [],
      ),
      allow_private: v.optional(
        v.pipe(
          v.array(host("A host of allow."), list),
          v.description("Hosts of allow that may resolve to a private or loopback address."),
        ),
        [],
      ),
      requests_per_minute: v.optional(
        integer("Requests per minute and host.", "how many requests a minute", [1, 10_000]),
        30,
      ),
      contact: v.optional(
        text(
          "Address for people who run the fetched hosts; goes into the User-Agent.",
          "write a mail or web address in plain ASCII, for example ops@example.org",
          /^[!-~]+$/,
        ),
      ),
    }),
    v.rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed) return;
      const { allow, allow_private } = dataset.value;
      for (const name of allow_private) {
        if (allow.some((pattern) => hostMatches(pattern, name))) continue;
        addIssue({
          message: `${name} is not allowed yet; write it in egress.allow too`,
          path: pathTo(dataset.value, "allow_private"),
        });
      }
    }),
    v.transform(({ allow, allow_private: allowPrivate, requests_per_minute, contact = null }) => {
      return { allow, allowPrivate, requestsPerMinute: requests_per_minute, contact };
    }),
  );
}

function host(description: string) {
  const write = (issue: { input: unknown }) => {
    const found = URL.canParse(String(issue.input)) ? new URL(String(issue.input)).hostname : "";
    const example = HOST_PATTERN.test(found) ? found : "example.org or *.example.org";
    return `write a host name alone, without scheme, port or path: ${example}`;
  };
  return v.pipe(
    v.string(write),
    v.maxLength(253, write),
    v.regex(HOST_PATTERN, write),
    v.description(description),
    v.toLowerCase(),
  );
}
