// Variables of a board: `$device` and `$interval` in queries and titles stand for what was chosen above the board.
//
// What was chosen is in the URL (`?v.device=a,b&v.interval=15m`, `*` for all devices); what is not there has the value
// that is stored.

import type { Board, Panel, PanelQuery, Variable } from './board';

/** What each variable stands for now: devices as a list (none: all), an interval as a list of one. */
export type Values = Record<string, string[]>;

const ALL = '*';
const asList = (value: string | string[]) => (Array.isArray(value) ? value : value ? [value] : []);

/** What the variables stand for, by the URL first, then as stored. */
export function valuesOf(variables: readonly Variable[], url: URLSearchParams): Values {
  return Object.fromEntries(
    variables.map((variable) => {
      const chosen = url.get(`v.${variable.name}`);
      const list = chosen === null ? asList(variable.value) : chosen.split(',').filter((one) => one && one !== ALL);
      return [variable.name, variable.kind === 'device' && variable.multi ? list : list.slice(0, 1)];
    }),
  );
}

/** The parameters of the URL for a choice; none when it is what is stored. */
export function urlOf(variables: readonly Variable[], values: Values): Record<string, string | null> {
  return Object.fromEntries(
    variables.map((variable) => {
      const now = (values[variable.name] ?? []).join(',');
      return [`v.${variable.name}`, now === asList(variable.value).join(',') ? null : now || ALL];
    }),
  );
}

/** The query with its variables replaced. A name that is no variable stays as it is, so that the server names it. */
export function fill(query: PanelQuery, board: Pick<Board, 'variables'>, values: Values): PanelQuery {
  const known = (text: string) => {
    const variable = text.startsWith('$') ? board.variables.find((one) => `$${one.name}` === text) : undefined;
    return variable && { variable, value: values[variable.name] ?? [] };
  };
  let devices = query.devices;
  if (devices) {
    const all = devices.some((device) => known(device)?.value.length === 0);
    devices = all ? null : [...new Set(devices.flatMap((device) => known(device)?.value ?? [device]))];
  }
  const bucket = known(query.bucket);
  return { ...query, devices, bucket: bucket ? (bucket.value[0] ?? 'auto') : query.bucket };
}

/** A title or a text with its variables replaced; `all devices` for a choice of none. */
export function fillText(text: string, board: Pick<Board, 'variables'>, values: Values): string {
  return text.replace(/\$([A-Za-z][A-Za-z0-9_]*)/g, (whole, name: string) => {
    const variable = board.variables.find((one) => one.name === name);
    if (!variable) return whole;
    const value = values[name] ?? [];
    if (value.length > 0) return value.join(', ');
    return variable.kind === 'device' ? 'all devices' : 'auto';
  });
}

/** Whether the panel looks different when the variable changes. */
export function uses(panel: Panel, name: string): boolean {
  const text = `$${name}`;
  return Boolean(panel.query?.devices?.includes(text)) || panel.query?.bucket === text || panel.title.includes(text);
}
