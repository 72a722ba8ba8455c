import { expect, it } from "vitest";
import { freeErrorsAt as anthropicErrorsAt } from "../../src/providers/anthropic/anthropic.ts";
import { refusalFailure } from "../../src/providers/failures.ts";
import { freeErrorsAt as openaiErrorsAt } from "../../src/providers/openai/known.ts";

const OWN = JSON.stringify({ error: { message: "scripted" } });
const PAGE = "<html>Bad gateway</html>";
const OTHER = JSON.stringify({ detail: "upstream failed" });

const OWN_GUIDELINES = JSON.stringify({ error: "Content violates usage guidelines" });

const charge = (...of: Parameters<typeof refusal>) => refusal(...of).charge;

const refusal = (baseUrl: string, status: number, body: string | null, isFree = false) => {
  const url = new URL(baseUrl);
  const freeErrors = openaiErrorsAt(url) ?? anthropicErrorsAt(url);
  const subject = {
    provider: "openai",
    model: "m",
    address: url.href,
    secrets: [],
    missingModelAdvice: null,
  };
  return refusalFailure({ ...subject, isFree, freeErrors }, { status, headers: {}, body }, 0);
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
  for (const status of SEEN_BY_NO_MODEL.filter((each) => each !== 403 || !host.includes("//api.x.ai")))
    for (const body of [OWN, PAGE, OTHER, null]) expect(charge(host, status, body), `${status}`).toBe("none");
});

it.each(["https://api.x.ai/v1", "https://us-east-1.api.x.ai/v1"])(
  "does not know what a 403 of %s cost, since it bills what breaks its rules of use, and closes the model to nobody for that",
  (host) => {
    for (const body of [OWN, PAGE, OTHER, null]) {
      expect(charge(host, 403, body)).toBe("unknown");
      expect(charge(host, 403, body, true)).toBe("none");
      for (const status of [401, 404, 429]) expect(charge(host, status, body)).toBe("none");
      expect(refusal(host, 403, body).trip).toBe("now");
    }
    for (const said of [
      "Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE_BIO",
      "Content violates usage guidelines",
    ])
      for (const body of [{ code: "no permission", error: said }, { error: { message: said } }])
        expect(refusal(host, 403, JSON.stringify(body))).toMatchObject({
          charge: "unknown",
          trip: "none",
          fault: "refusal",
          retry: "never",
        });
    expect(refusal("https://api.openai.com/v1", 403, OWN_GUIDELINES)).toMatchObject({
      charge: "none",
      trip: "now",
    });
  },
);

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
