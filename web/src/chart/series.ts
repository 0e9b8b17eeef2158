// What a chart is given.

/** One line, row of points, or row of bars. Times in milliseconds, in order; null is a gap. */
export interface ChartSeries {
  /** What new values name, and what is remembered of a series that was switched off. */
  key: string;
  /** What people read. */
  label: string;
  times: number[];
  values: (number | null)[];
  /** Where the server thinned rows out or made a mean of them: the extremes, drawn as a band. */
  mins?: (number | null)[];
  maxs?: (number | null)[];
  /** Which colour; its place among the series, unless said. */
  place?: number;
}

export type ChartKind = 'line' | 'points' | 'bars';

/** A place on the axis of time, as the cursor reads it. */
export interface Reading {
  time: number;
  /** By series, in their order; undefined when a series has nothing there. */
  values: (number | null | undefined)[];
}
