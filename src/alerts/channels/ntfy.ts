import { AfkError } from "../../lib/errors.ts";
import type { Severity } from "../events.ts";
import { type HttpChannel, jsonOf, postJson } from "./channel.ts";
import { headline, templateText, truncateBytes } from "./text.ts";

/**
 * ntfy.sh or a server of one's own; the address is the topic's. Published as JSON to the server's root, since
 * headers hold no title outside ASCII (https://docs.ntfy.sh/publish/#publish-as-json).
 */
export const ntfy: HttpChannel = {
  recognises({ hostname, pathname }) {
    const isTopic = /^\/[^/]+\/?$/.test(pathname);
    return hostname === "ntfy.sh" || (isTopic && hostname.split(".")[0] === "ntfy");
  },
  request(payload, config) {
    const { url, topic } = topicOf(config.url);
    const message = config.template === null ? payload.message : templateText(config.template, payload);
    return postJson(url, {
      topic,
      title: truncateBytes(headline(payload), TITLE_BYTES_MAX),
      // An empty message would be shown as "triggered".
      message: truncateBytes(message === "" ? payload.title : message, MESSAGE_BYTES_MAX),
      priority: PRIORITY[payload.severity],
      tags: [TAG[payload.severity], payload.event],
    });
  },
  // The server gives the message back; a page of another server on that address does not.
  isAccepted: (reply) => typeof jsonOf(reply)?.id === "string",
};

/** The server's root, where JSON is published, and the topic. @throws AfkError (`channel_misconfigured`) for an address without one. */
export function topicOf(address: string): { url: string; topic: string } {
  const url = new URL(address);
  const segments = url.pathname.split("/").filter((segment) => segment !== "");
  const topic = segments.pop();
  if (topic === undefined) {
    throw new AfkError("channel_misconfigured", "the address of an ntfy channel must end in its topic", {
      retry: "never",
    });
  }
  url.pathname = `/${segments.join("/")}`;
  return { url: url.href, topic: decodeURIComponent(topic) };
}

const MESSAGE_BYTES_MAX = 4_096;
const TITLE_BYTES_MAX = 1_000;

/** 5 rings through do-not-disturb, which is what a page is for. */
const PRIORITY: Record<Severity, number> = { info: 2, warn: 4, error: 5 };
const TAG: Record<Severity, string> = {
  info: "information_source",
  warn: "warning",
  error: "rotating_light",
};
