// The questions of this browser, newest first, for each project apart. They stay here and are sent nowhere.

export interface Asked {
  sql: string;
  /** When, in milliseconds. */
  at: number;
}

const MOST = 100;
const keyOf = (project: number) => `iobeam-sql-${project}`;

/** What was asked before. */
export function past(project: number): Asked[] {
  try {
    const kept = JSON.parse(localStorage.getItem(keyOf(project)) ?? '[]') as unknown;
    return Array.isArray(kept) ? kept.filter((one): one is Asked => typeof one?.sql === 'string' && typeof one?.at === 'number') : [];
  } catch {
    return [];
  }
}

/** Puts a question before the others; one that was asked before moves up. */
export function remember(project: number, sql: string, at: number): Asked[] {
  const all = [{ sql, at }, ...past(project).filter((one) => one.sql !== sql)].slice(0, MOST);
  try {
    localStorage.setItem(keyOf(project), JSON.stringify(all));
  } catch {
    // Storage is full or switched off: the question is answered all the same.
  }
  return all;
}

/** Forgets all of them. */
export function forget(project: number): void {
  try {
    localStorage.removeItem(keyOf(project));
  } catch {
    // There was nothing to forget.
  }
}
