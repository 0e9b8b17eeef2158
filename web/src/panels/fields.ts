// The namespaces of the project and their fields, to choose from.

import { type Namespace as Listed, list } from '../api/namespaces';
import type { Field } from './starter';

export interface Namespace {
  name: string;
  fields: Field[];
}

/** Fields that are there to choose: not the time, not what tells whose a row is. */
function choosable(listed: Listed): Namespace {
  const fields = Object.entries(listed.fields)
    .filter(([name]) => name !== 'time' && name !== listed.partitioning_field)
    .map(([name, type]) => ({ name, type }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  return { name: listed.namespace_name, fields };
}

/** `input` first: it is where readings go unless they say otherwise. */
export async function namespaces(): Promise<Namespace[]> {
  const order = (one: Namespace) => `${one.name === 'input' ? 0 : 1} ${one.name}`;
  return (await list()).map(choosable).sort((a, b) => (order(a) < order(b) ? -1 : 1));
}
