// Where panels get their series from: the project's query, or the narrower one of a read-only link.

import { type Options, post } from '../api/call';
import { sharedQuery } from '../api/boards';
import type { Panel, PanelQuery } from './board';
import type { Feed } from './feed';
import type { Reply } from './series';

export interface Question {
  panel: Panel;
  /** The panel's query, its variables filled in. */
  query: PanelQuery;
  from: number;
  to: number;
  /** In pixels: the server thins out to what can be seen. */
  width: number;
  timezone: string;
}

export interface Source {
  ask: (question: Question, options: Options) => Promise<Reply>;
  /** New rows; a link has none and asks again instead. */
  feed: Feed | null;
}

/** The most rows that a table shows. */
export const TABLE_ROWS = 200;
/** The most series that a panel shows; more can neither be told apart nor read. */
const MOST_SERIES = 50;

/** What is asked beyond the stored query, by the kind of the panel. */
export function bodyOf({ panel, query, from, to, width, timezone }: Question): Record<string, unknown> {
  // Without an operator points are rows, whatever an interval says.
  const bucket = query.operator ? query.bucket : 'auto';
  const body: Record<string, unknown> = { ...query, bucket, from, to, width: Math.max(50, Math.round(width)), timezone: query.timezone ?? timezone, max_series: query.max_series ?? MOST_SERIES };
  if (panel.kind === 'table' && !query.operator) return { ...body, bucket: 'raw', limit: Math.min(query.limit ?? TABLE_ROWS, TABLE_ROWS) };
  if (panel.kind === 'value' || panel.kind === 'gauge') {
    // The last point is exact, and the ones before are enough for a line as large as a word.
    return query.operator ? { ...body, bucket: 'all' } : { ...body, width: 120, downsample: 'lttb' };
  }
  return body;
}

/** The project that is open. */
export const ofProject = (feed: Feed): Source => ({
  feed,
  ask: (question, options) => post<Reply>('/v1/query', bodyOf(question), options),
});

/** The board behind a link. Only devices and bucket may differ from what is stored. */
export const ofShare = (key: string): Source => ({
  feed: null,
  ask: ({ panel, query, from, to, width, timezone }, options) =>
    sharedQuery<Reply>(
      key,
      {
        panel: panel.id,
        from,
        to,
        width: Math.max(50, Math.round(width)),
        timezone,
        ...(panel.query?.devices?.some((device) => device.startsWith('$')) && query.devices ? { devices: query.devices } : {}),
        ...(panel.query?.bucket.startsWith('$') ? { bucket: query.bucket } : {}),
      },
      options,
    ),
});
