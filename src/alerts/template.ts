import { TEMPLATE_FIELDS } from "../config/alerts-schema.ts";
import type { AlertPayload } from "./events.ts";

/**
 * `{agent} at {pct}% of {period} cap` with the fields of `payload` in place; a field that does not apply is
 * empty. Braces around any other name stay as they are, so that a misspelt name is seen in the message.
 */
export function renderTemplate(template: string, payload: AlertPayload): string {
  return template.replace(/\{([A-Za-z]{1,20})\}/g, (whole, name: string) => {
    const field = TEMPLATE_FIELDS.find((each) => each === name);
    return field === undefined ? whole : String(payload[field] ?? "");
  });
}
