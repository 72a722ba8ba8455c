/** What stands where a secret was. */
export const REDACTED = "[redacted]";

/** Takes secrets out of a text. */
export type Redact = (text: string) => string;

/**
 * Makes the function that takes secrets out of text. It replaces every one of `secrets`, also where it is
 * JSON-escaped, URL-encoded or inside base64, and what looks like a credential by its shape. Secrets shorter
 * than 4 characters are left, since replacing them would leave no readable text; a short word or number is one only where
 * it stands by itself, and not as a name in JSON. Text beyond 100,000
 * characters is cut off. Redacting twice gives the same as redacting once. Never throws.
 */
export function createRedactor(secrets: string[]): Redact {
  const literals = literalForms(secrets);
  const known = literals.length === 0 ? null : new RegExp(literals.join("|"), "g");
  return (text) => {
    let result = known === null ? text : text.replace(known, REDACTED);
    if (SHAPELESS.test(result)) return result;
    result = bounded(result);
    for (const { pattern, needs = "", isSecret } of SHAPES) {
      if (!result.includes(needs)) continue;
      result = result.replace(pattern, (match, first: unknown) => {
        const lead = typeof first === "string" ? first : "";
        return isSecret?.(match.slice(lead.length)) === false ? match : lead + REDACTED;
      });
    }
    return result;
  };
}

/** The same value without secrets in any of its texts, however deep. */
export function redacted<T>(value: T, redact: Redact): T {
  if (typeof value === "string") return redact(value) as T;
  if (Array.isArray(value)) return value.map((item) => redacted(item, redact)) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, redacted(each, redact)])) as T;
}

/** A redactor that learns of more secrets; what it knew before it goes on hiding. */
export function createLearningRedactor(secrets: string[]): { redact: Redact; learn(more: string[]): void } {
  const known = new Set(secrets);
  let current = createRedactor(secrets);
  return {
    redact: (text) => current(text),
    learn(more) {
      const count = known.size;
      for (const secret of more) known.add(secret);
      if (known.size > count) current = createRedactor([...known]);
    },
  };
}

/** True for the name of a field whose text is a secret whatever it looks like (`apiKey`, `bot_token`). */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name.slice(-64));
}

const TEXT_LENGTH_MAX = 100_000;
/** No credential that is known by its shape is longer, but a private key, which needs no end. */
const WORD_LENGTH_MAX = 4_096;
const SECRET_LENGTH_MIN = 4;
const WORD_LENGTH_MIN = 6;
/** Text in base64 of this length is no word, whatever its letters are. */
const CORE_LENGTH_MIN = 5;
const PATH_LENGTH_MIN = 8;

const SECRET_NAME =
  /(?:password|passwd|pwd|passphrase|secret|token|(?:api|app|access|account|auth|license|private|signing)[_-]?key|authorization|cookie|credentials?)$/i;

/** Half a credential has no shape to be known by: the word that the cut may have split goes with the rest. */
function bounded(text: string): string {
  if (text.length <= TEXT_LENGTH_MAX) return text;
  let end = TEXT_LENGTH_MAX;
  while (end > TEXT_LENGTH_MAX - WORD_LENGTH_MAX && !/\s/.test(text.charAt(end - 1))) end -= 1;
  return `${text.slice(0, end)}[cut]`;
}

/** Patterns of every way in which a secret may be written, the longest first, so that a part never wins over the whole. */
function literalForms(secrets: string[]): string[] {
  const forms = new Set<string>();
  const cores = new Set<string>();
  for (const secret of secrets) {
    const text = secret.trim();
    for (const plain of [text, ...urlForms(text)]) {
      const json = JSON.stringify(plain).slice(1, -1);
      const encoded = encodeURIComponent(plain.toWellFormed());
      forms.add(plain).add(json).add(JSON.stringify(json).slice(1, -1));
      forms.add(encoded).add(encoded.replaceAll("%20", "+"));
      forms.add(encoded.replace(/%[0-9A-F]{2}/g, (hex) => hex.toLowerCase()));
    }
    for (const core of base64Cores(text)) cores.add(core);
  }
  return [...new Set([...forms, ...cores])]
    .filter((form) => form.length >= SECRET_LENGTH_MIN)
    .sort((a, b) => b.length - a.length)
    .map((form) =>
      cores.has(form) && form.length >= CORE_LENGTH_MIN ? escapeRegExp(form) : patternOf(form),
    );
}

/** An address is told of without its host too, and in its normal form: the path of a webhook is its secret. */
function urlForms(text: string): string[] {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) return [];
  const url = new URL(text);
  const path = url.pathname + url.search;
  return path.length >= PATH_LENGTH_MIN ? [url.href, path] : [url.href];
}

/**
 * The characters that the text gives in base64 wherever it stands in the encoded bytes (`user:secret` shifts
 * it), without those at its ends that depend on the neighbours.
 */
function base64Cores(text: string): string[] {
  const bytes = Buffer.from(text);
  const cores: string[] = [];
  for (const shift of [0, 1, 2]) {
    const shifted = Buffer.concat([Buffer.alloc(shift), bytes]).toString("base64");
    const core = shifted.slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + bytes.length) * 8) / 6));
    if (core.length < SECRET_LENGTH_MIN) continue;
    cores.push(core, core.replaceAll("+", "-").replaceAll("/", "_"));
  }
  return cores;
}

/** A word such as `done`, or a year, is part of other words and of instants. One in mixed case is none, as in base64. */
function patternOf(literal: string): string {
  const pattern = escapeRegExp(literal);
  const isWord = literal.length < WORD_LENGTH_MIN && /^(?:[A-Z]?[a-z]+|[A-Z]+|\d+)$/.test(literal);
  return isWord ? String.raw`(?<![A-Za-z0-9_])${pattern}(?![A-Za-z0-9_]|\\{0,7}"\s{0,4}:)` : pattern;
}

function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

/** What a credential looks like. The pattern's first group, where it has one, stays. */
interface Shape {
  pattern: RegExp;
  /** Text without which nothing matches; for patterns that begin at every word, which costs more than to look for it. */
  needs?: string;
  /** Asked of what is found, without the first group; anything is a secret unless this says otherwise. */
  isSecret?: (value: string) => boolean;
}

/**
 * Linear-time patterns: what may repeat without bound is followed by nothing that could fail, or starts only
 * where its own characters do not. None takes a quote or a backslash, so that JSON stays JSON.
 */
const SHAPES: readonly Shape[] = [
  // A new one keeps to what SHAPELESS says, or changes it.
  /\bafk_[0-9a-f]{64}\b/g,
  // Up to its last line or, when that was cut off, as far as it can be a key.
  /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:[\w+/=\s:,.()@]|\\{1,8}[nr]|-(?!----END ))*(?:-----END [A-Z0-9 ]{0,40}-----)?/g,
  /((?:discord(?:app)?\.com)?\/api\/(?:v\d{1,2}\/)?webhooks\/)\d[^\s"'\\<>]+/gi,
  /(hooks\.slack\.com\/[a-z]{1,20}\/)(?!\[redacted\])[^\s"'\\<>]+/gi,
  /(\/services\/)T[A-Z0-9]{2,40}\/B[A-Z0-9]{2,40}\/[A-Za-z0-9]+/g,
  /(\bbot)\d{3,20}:[\w-]{10,}/g,
  /(?<!\d)\d{8,12}:[\w-]{35}(?![\w-])/g,
  {
    needs: "://",
    pattern: /(\b[a-z][a-z0-9+.-]{1,20}:\/\/)(?!\[redacted\])[^\s/?#"'\\<>]+(?=@)/gi,
  },
  {
    needs: "://",
    // A password with a slash that should have been written as %2F; digits after the colon are a port.
    pattern:
      /(\b[a-z][a-z0-9+.-]{1,20}:\/\/)(?!\[)[^\s/?#:@"'\\<>]{0,100}:(?!\d{1,5}[/?#])[^\s@"'\\<>]{1,200}(?=@)/gi,
  },
  /(\bauthorization(?:\\{0,7}["'])?\s{0,4}[:=]\s{0,4}(?:\\{0,7}["'])?(?!(?:[a-z]{1,10}\s{1,4})?\[redacted\])(?:(?:bearer|basic|token|bot|digest|apikey)\s{1,4})?)[^\s"'\\,;]+/gi,
  { pattern: /(\bbearer\s{1,4})[\w.~+/=-]{8,}/gi, isSecret: isRandom },
  { pattern: /(\bbasic\s{1,4})[\w+/=-]{8,}/gi, isSecret: isUserAndPassword },
  /(?<![\w-])eyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)*/g,
  { pattern: /\bsk-[\w-]{16,}/g, isSecret: isRandom },
  /\b(?:gh[pousr]_[A-Za-z0-9]{16,}|github_pat_\w{16,})/g,
  /\b(?:xox[abeoprs]|xapp)-[\w-]{8,}/g,
  /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g,
  /\bAIza[\w-]{30,}/g,
  // Keys that say by their first letters whose they are: GitLab, Stripe, Twilio, SendGrid, Mailgun, npm, PyPI, Docker
  // Hub, Hugging Face, New Relic, DigitalOcean, Heroku, Netlify, Vercel, age, Google OAuth, Groq, ntfy, Shopify, xAI.
  /\bgl(?:pat|dt|rt|cbt|ptt|ft|soat|agent|oas)-[\w.-]{16,}/g,
  /\b(?:[srp]k_(?:live|test)|whsec)_[A-Za-z0-9+/=]{16,}/g,
  /\b(?:SK|key-)[0-9a-f]{32}\b/g,
  /\bSG\.[\w-]{16,}(?:\.[\w-]+)?/g,
  /\b(?:npm|hf|gsk|nfp|vc[apikr])_[A-Za-z0-9]{20,}/g,
  /\b(?:pypi|NRAK|HRKU|xai)-[\w-]{20,}/g,
  /\bdckr_[a-z]{3}_[\w-]{16,}/g,
  /\b(?:do[oprt]_v1|shp(?:at|ca|pa|ss))_[0-9a-f]{32,}/g,
  /\btk_[a-z0-9]{29}\b/g,
  /\bAGE-SECRET-KEY-1[A-Z0-9]{30,}/g,
  /\b(?:ya29\.|GOCSPX-)[\w-]{20,}/g,
  /(?<![\w.-])[MNO][\w-]{22,27}\.[\w-]{6}\.[\w-]{27,45}(?![\w-])/g,
  // Addresses that anybody who knows them can use; the examples of our own messages are nobody's.
  /(\bhc-ping\.com\/|\/api\/push\/)(?!\[redacted\]|your-uuid\b)[\w-]{8,}/gi,
  /(\bntfy\.sh\/)(?!\[redacted\]|(?:docs|app|my-topic)\b)[\w-]{6,64}/gi,
  /(\bcookie(?:\\{0,7}["'])?\s{0,4}[:=]\s{0,4}\[?(?:\\{0,7}["'])?)(?=[\w.-]{1,64}=)(?!\[redacted\])[^\r\n"'\\]+/gi,
  /([?&](?:key|sig|auth|code|sid|session|[\w-]{0,20}(?:signature|credential))=)(?!\[redacted\])[^\s"'\\&#]+/gi,
  // A quoted value goes up to its closing quote, a bare one up to the next separator. A quoted name with
  // a bare value is JSON with a number, which is no secret (a count of something, a fencing token).
  /((?:password|passwd|pwd|passphrase|secret|token|(?:api|app|access|account|auth|license|private|signing)[_-]?key)(?:\\{0,7}["'])?\s{0,4}[:=]\s{0,4}\\{0,7}["'])(?!\[redacted\])[^"'\\\n]+/gi,
  /((?:password|passwd|pwd|passphrase|secret|token|(?:api|app|access|account|auth|license|private|signing)[_-]?key)\s{0,4}[:=]\s{0,4})(?!\[redacted\])[^\s"'\\&,;(){}<>]+/gi,
].map((each) => (each instanceof RegExp ? { pattern: each } : each));

/**
 * A short word: every shape has 20 characters, or one that is not in a word. And small letters and digits alone, as in the
 * ids of ticks and calls: every shape has another character. Field names and most values of a log line are such words,
 * and looking for each shape in each of them would take longer than all else about the line.
 */
const SHAPELESS = /^(?:\w{0,19}|[a-z0-9]{0,100})$/;

/** Words have neither digits nor capitals inside; keys have. */
function isRandom(value: string): boolean {
  return /\d/.test(value) || /[a-z][A-Z]/.test(value);
}

/** `basic authentication` is prose; `Basic dXNlcjpwYXNz` decodes to `user:pass` (RFC 7617). */
function isUserAndPassword(value: string): boolean {
  const decoded = Buffer.from(value, "base64").toString("latin1");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: credentials hold no control characters, which is what is tested here.
  return decoded.includes(":") && !/[\x00-\x1f\x7f]/.test(decoded);
}
