import { expect, it } from "vitest";
import { freeErrorsAt as anthropicErrorsAt } from "../../src/providers/anthropic/anthropic.ts";
import { refusalFailure } from "../../src/providers/failures.ts";
import { freeErrorsAt as openaiErrorsAt } from "../../src/providers/openai/openai.ts";

const OWN = JSON.stringify({ error: { message: "scripted" } });
const PAGE = "<html>Bad gateway</html>";
const OTHER = JSON.stringify({ detail: "upstream failed" });

const charge = (baseUrl: string, status: number, body: string | null, isFree = false) => {
  const url = new URL(baseUrl);
  const freeErrors = openaiErrorsAt(url) ?? anthropicErrorsAt(url);
  const subject = {
    provider: "openai",
    model: "m",
    address: url.href,
    secrets: [],
    missingModelAdvice: null,
  };
  return refusalFailure({ ...subject, isFree, freeErrors }, { status, headers: {}, body }, 0).charge;
};

const ITSELF = [
  "https://api.openai.com/v1",
  "https://API.OpenAI.com:443/v1",
  "https://api.anthropic.com",
  "https://openrouter.ai/api/v1",
];
const OTHERS = [
  "http://127.0.0.1:8080",
  "http://localhost:11434",
  "http://api.openai.com/v1",
  "https://api.openai.com:8443/v1",
  "https://api.openai.com./v1",
  "https://api.openai.com.evil.example/v1",
  "https://evil.example/api.openai.com",
  "https://api.openai.com@evil.example/v1",
  "https://eu.api.openai.com/v1",
  "https://xapi.openai.com/v1",
  "https://my.openai.azure.com/openai/v1",
  "https://api.mistral.ai/v1",
  "https://api.x.ai/v1",
  "https://api.groq.com/openai/v1",
  "https://openrouter.ai.evil.example/api/v1",
];
const SEEN_BY_NO_MODEL = [401, 403, 404, 429];
const REFUSED = [400, 413, 422, 500, 503, 529];
const UNCLEAR = [302, 402, 408, 409, 421, 451, 502, 504];

it.each([...ITSELF, ...OTHERS])("takes what %s rejects before any model has seen it for free", (host) => {
  for (const status of SEEN_BY_NO_MODEL)
    for (const body of [OWN, PAGE, OTHER, null]) expect(charge(host, status, body), `${status}`).toBe("none");
});

it.each(ITSELF)("takes the own error of %s for free, and nothing else there", (host) => {
  for (const status of REFUSED) {
    expect(charge(host, status, OWN), `${status}`).toBe("none");
    for (const body of [PAGE, OTHER, "", null])
      expect(charge(host, status, body), `${status} ${body}`).toBe("unknown");
  }
  for (const status of UNCLEAR) expect(charge(host, status, OWN), `${status}`).toBe("unknown");
});

it.each(OTHERS)("does not know what an error of %s cost, unless the model costs nothing", (host) => {
  for (const status of [...REFUSED, ...UNCLEAR])
    for (const body of [OWN, PAGE, null]) expect(charge(host, status, body), `${status}`).toBe("unknown");
  for (const status of REFUSED) expect(charge(host, status, OWN, true), `${status}`).toBe("none");
});
