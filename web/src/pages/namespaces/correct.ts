// Corrections as people write and read them.

import type { Correction, Rows } from '../../api/corrections';

/** What was written in the form, as the server wants it; what is empty is left out. */
export function rowsGiven(form: { from: string; to: string; devices: string; conditions: string }): Rows {
  const parts = (text: string, between: string) => text.split(between).map((one) => one.trim()).filter(Boolean);
  const rows: Rows = {};
  if (form.from.trim() !== '') rows.from = form.from.trim();
  if (form.to.trim() !== '') rows.to = form.to.trim();
  const [devices, where] = [parts(form.devices, ','), parts(form.conditions, '\n')];
  if (devices.length > 0) rows.devices = devices;
  if (where.length > 0) rows.where = where;
  return rows;
}

/** What a correction does, in words. */
export function told(correction: Pick<Correction, 'action' | 'field' | 'to'>): string {
  const { action, field, to } = correction;
  switch (action) {
    case 'DELETE_ROWS':
      return 'Rows deleted';
    case 'DROP_FIELD':
      return `Field ${field} dropped`;
    case 'RENAME_FIELD':
      return `Field ${field} renamed to ${to}`;
    case 'RETYPE_FIELD':
      return `Field ${field} converted to ${to}`;
  }
}
