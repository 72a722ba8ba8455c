import { asSentence } from "../lib/text.ts";
import { CallFailed } from "../rails/call.ts";
import { malformedFailure, type Subject } from "./failures.ts";
import { withoutReasoning } from "./reasoning.ts";
import { isRecord, serverWords } from "./reply-json.ts";
import type { Figures, ProviderReply } from "./types.ts";

/**
 * The provider answered, was paid, and what it said cannot be used: cut off by the token limit, withheld,
 * or empty. Unlike other failures with charge "unknown", `usage` is the provider's own and prices the call, if it can.
 */
export class ReplyUnusable extends CallFailed {
  readonly usage: Figures;

  constructor(message: string, usage: Figures) {
    super(message, { charge: "unknown", trip: "count", fault: "reply" });
    this.usage = usage;
  }
}

/** The words for a reply that its bound cut off: OpenAI and Ollama, Anthropic, Mistral, bridges. */
const CUT_OFF = /^(length|(model|max)_length|max_(output_)?tokens|model_context_window_exceeded)$/i;

/**
 * The words for a reply that was withheld or broken off: OpenAI, Anthropic and Gemini's filters, Mistral, Zhipu, DeepSeek,
 * vLLM.
 */
const FAILED =
  /^(content_filter|refusal|safety|recitation|sensitive|(\w+_)?error|abort(ed)?|insufficient_system_resource)$/i;

/**
 * The reply, if there is something to use in it, without the model's reasoning. `ending` is the provider's word for why
 * it stopped. Many servers have words of their own, or none, for a reply that is complete; so whatever is not known to be
 * a cut or a failure is an answer. Of a reply that was cut off its whole sentences are. `instead` says what came instead of a text.
 * @throws ReplyUnusable
 */
export function usableReply(
  subject: Subject,
  said: string,
  usage: Figures,
  ending: unknown,
  instead: string | null = null,
): ProviderReply {
  const name = `${subject.provider}/${subject.model}`;
  const reason = typeof ending === "string" ? ending : "";
  if (FAILED.test(reason)) {
    throw new ReplyUnusable(`${name} ended its reply for the reason "${reason.slice(0, 100)}".`, usage);
  }
  const answer = withoutReasoning(said);
  if (CUT_OFF.test(reason)) {
    const text = wholeSentences(answer);
    if (text !== "") return { text, usage, truncated: true };
    const advice = "raise models.max_output_tokens";
    throw new ReplyUnusable(`The reply of ${name} was cut off at the token limit; ${advice}.`, usage);
  }
  if (answer.trim() === "") {
    const what = instead === null ? "" : `: ${instead}`;
    throw new ReplyUnusable(asSentence(`${name} sent an empty reply${what}`), usage);
  }
  return { text: answer, usage };
}

/** What to throw for a reply that holds no answer, `what` in words: it was billed by its usage, if it says so. */
export function answerless(subject: Subject, said: unknown, usage: Figures, what: string): CallFailed {
  const words = serverWords(said);
  const failure = malformedFailure(subject, words === null ? what : `it reported an error: ${words}`);
  return "unknown" in usage ? failure : new ReplyUnusable(failure.message, usage);
}

/**
 * A text, or one part, or a list of parts. Those of a type that says text, or of none, are the answer; the others are reasoning,
 * or refer to sources.
 */
export function textIn(content: unknown): string {
  if (typeof content === "string") return content;
  return Array.isArray(content) ? content.map(partText).join("") : partText(content);
}

function partText(content: unknown): string {
  if (!isRecord(content) || !TEXT_TYPES.includes(String(content.type ?? "text"))) return "";
  const { text } = content;
  const value = isRecord(text) ? text.value : text;
  return typeof value === "string" ? value : "";
}

const TEXT_TYPES = ["text", "output_text"];

const SENTENCE_CHARS_MAX = 64 * 1024;

/** Ends a sentence, with quotes and brackets that close behind it. Behind a digit a full stop may be half a number. */
const SENTENCE_END = /(?:[!?…。！？؟।]|(?<!\d)\.)["'”’»」』)\]]*$/u;

/** What a text that was cut off says in whole sentences, from its beginning; empty where not even one is whole. */
export function wholeSentences(text: string): string {
  const segmenter = new Intl.Segmenter(undefined, { granularity: "sentence" });
  const sentences = [...segmenter.segment(text.slice(0, SENTENCE_CHARS_MAX).trim())];
  const last = sentences.findLastIndex(({ segment }) => SENTENCE_END.test(segment.trim()));
  return sentences
    .slice(0, last + 1)
    .map(({ segment }) => segment)
    .join("")
    .trim();
}
