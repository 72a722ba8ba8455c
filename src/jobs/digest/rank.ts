import { DAY_MS } from "../../lib/durations.ts";
import { matchPhrases } from "../../store/full-text.ts";
import type { Group } from "../items/select.ts";
import type { PrintedItem } from "../printed-items.ts";

/** Where an item stands, and why. */
export interface Standing {
  /** In thousandths, so that it is the same everywhere. */
  score: number;
  /** `matches postgres`, `you rated Harbour Works up`; at least one. */
  reasons: string[];
  /** The interest that it matches best; null where it matches none. */
  topic: string | null;
}

/** What decides on the order besides the items themselves. */
interface Preferences {
  interests: readonly string[];
  /** Of each source, by its place in the settings; 1 unless stated. */
  weights: readonly number[];
  /** Items that the owner has rated, of whichever digest. */
  rated: readonly PrintedItem[];
  /** The instant from which ages are counted: the run's slot. */
  nowMs: number;
}

/** All interests together count up to so much; a match as good as this makes half of it. */
const INTEREST_MAX = 3;
const INTEREST_HALF = 3;
/** What is so old counts half for being new. */
const RECENCY_HALF_MS = DAY_MS;
/** A vote counts half after so long; of so many votes of today's on a source half of the most that votes count. */
const VOTE_HALF_MS = 30 * DAY_MS;
const VOTES_HALF = 3;
/** Votes that weigh less have faded. */
const VOTE_NOTICEABLE = 0.05;
const TOPICS_NAMED = 3;

/**
 * The standing of each item, by the formula in docs/digest.md: weight x (3 b / (b + 3) + 2^(-age / 24 h)) + v / (|v| + 3),
 * where b is the sum of the BM25 figures of the interests and v the sum of votes on the source's items, each halved every
 * 30 days. No model has a part in it; the same items, settings and votes give the same figures.
 */
export function rank(groups: readonly Group[][], preferences: Preferences): Map<Group, Standing> {
  const { interests, weights, rated, nowMs } = preferences;
  const all = groups.flatMap((own, source) => own.map((group) => ({ group, weight: weights[source] ?? 1 })));
  const matches = matchPhrases(
    all.map(({ group }) => group.item),
    interests,
  );
  const votes = votesBySource(rated, nowMs);
  return new Map(
    all.map(({ group, weight }, index) => {
      const found = interests
        .map((interest, at) => ({ interest, match: matches[at]?.[index] ?? 0 }))
        .filter(({ match }) => match > 0)
        .toSorted((a, b) => b.match - a.match);
      const match = found.reduce((sum, each) => sum + each.match, 0);
      const vote = votes.get(group.item.source) ?? 0;
      const score =
        weight * ((INTEREST_MAX * match) / (match + INTEREST_HALF) + recency(group.item.publishedAt, nowMs)) +
        vote / (Math.abs(vote) + VOTES_HALF);
      const topics = found.map(({ interest }) => interest.replace(/\s*\*$/, ""));
      const standing = {
        score: Math.round(score * 1_000),
        reasons: reasonsOf(topics, weight, vote, group.item.source),
        topic: topics[0] ?? null,
      };
      return [group, standing];
    }),
  );
}

function recency(publishedAt: number | null, nowMs: number): number {
  const ageMs = publishedAt === null ? RECENCY_HALF_MS : Math.max(0, nowMs - publishedAt);
  return 2 ** (-ageMs / RECENCY_HALF_MS);
}

function votesBySource(rated: readonly PrintedItem[], nowMs: number): Map<string, number> {
  const votes = new Map<string, number>();
  for (const { source, vote, ratedAt } of rated) {
    if (vote === null || ratedAt === null) continue;
    const worth = vote * 2 ** (-Math.max(0, nowMs - ratedAt) / VOTE_HALF_MS);
    votes.set(source, (votes.get(source) ?? 0) + worth);
  }
  return votes;
}

function reasonsOf(topics: string[], weight: number, vote: number, source: string): string[] {
  const weighted = weight === 1 ? [] : [`weight ${weight}`];
  const reasons = [
    ...(topics.length === 0 ? [] : [`matches ${topics.slice(0, TOPICS_NAMED).join(", ")}`]),
    ...(Math.abs(vote) < VOTE_NOTICEABLE ? [] : [`you rated ${source} ${vote > 0 ? "up" : "down"}`]),
  ];
  if (reasons.length > 0 || weight === 0) return [...reasons, ...weighted];
  return weighted.length === 0 ? ["by its date alone"] : ["by its date", ...weighted];
}
