import { isRecord, parseJson } from "./reply-json.ts";
import { textIn } from "./reply-unusable.ts";

/**
 * A chat completion that came as a stream of events (https://html.spec.whatwg.org/multipage/server-sent-events.html) though none
 * was asked for, as some servers know no other form: put together, with the first choice alone. Undefined for any other text, and for a stream that
 * broke off.
 */
export function completionOfStream(body: string): Record<string, unknown> | undefined {
  if (!/^\s*(?:data|event|id|retry)?:/.test(body)) return undefined;
  const whole: Record<string, unknown> = {};
  let content = "";
  let ending: unknown = null;
  for (const line of body.split(/\r\n|\n|\r/)) {
    const chunk = line.startsWith("data:") ? parseJson(line.slice("data:".length)) : undefined;
    if (!isRecord(chunk)) continue;
    for (const key of ["usage", "error", "service_tier"])
      if (chunk[key] !== undefined && chunk[key] !== null) whole[key] = chunk[key];
    const [choice] = Array.isArray(chunk.choices) ? chunk.choices : [];
    if (!isRecord(choice)) continue;
    const said = isRecord(choice.delta) ? choice.delta : choice.message;
    content += isRecord(said) ? textIn(said.content) : "";
    ending = choice.finish_reason ?? ending;
  }
  const isWhole = ending !== null || whole.error !== undefined || /^data:\s*\[DONE\]/m.test(body);
  return isWhole ? { ...whole, choices: [{ message: { content }, finish_reason: ending }] } : undefined;
}
