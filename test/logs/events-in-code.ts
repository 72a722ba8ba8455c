import { fileURLToPath } from "node:url";
import { ALERT_EVENTS } from "../../src/alerts/events.ts";
import { isNode, type Node, readSources } from "../support/architecture/source.ts";

/** Every event that the code writes to the log, with the fields that stand beside its name there. */
export function eventsInCode(): Map<string, Set<string>> {
  const events = new Map<string, Set<string>>(Object.keys(ALERT_EVENTS).map((name) => [name, new Set()]));
  for (const { nodes } of readSources(fileURLToPath(new URL("../../src", import.meta.url)))) {
    for (const { node } of nodes) {
      const call = node.type === "CallExpression" ? eventOf(node) : null;
      if (call === null) continue;
      const fields = events.get(call.name) ?? new Set();
      for (const field of call.fields) fields.add(field);
      events.set(call.name, fields);
    }
  }
  return events;
}

/** `log.event(level, "name", {fields})`, or the log's own `lineOf(nowMs, level, "name", …)`, or `logOnce(config, clock, "name", fields)`. */
function eventOf(call: Node): { name: string; fields: string[] } | null {
  const parts = (call.arguments as unknown[]).filter(isNode);
  const callee = isNode(call.callee) ? call.callee : undefined;
  const isEvent =
    callee?.type === "MemberExpression" && isNode(callee.property) && callee.property.name === "event";
  const isLine = callee?.type === "Identifier" && ["lineOf", "logOnce"].includes(String(callee.name));
  const name = parts[isEvent ? 1 : 2];
  if ((!isEvent && !isLine) || name?.type !== "Literal" || typeof name.value !== "string") return null;
  const fields = isEvent && parts[2]?.type === "ObjectExpression" ? keysOf(parts[2]) : [];
  return { name: name.value, fields };
}

/** What is spread into it is not seen here. */
function keysOf(object: Node): string[] {
  return (object.properties as unknown[])
    .filter(isNode)
    .flatMap(({ key }) => (isNode(key) && typeof key.name === "string" ? [key.name] : []));
}
