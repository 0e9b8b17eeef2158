// What the console knows about a statement without asking the server.

/** An answer on the page is cut there; downloads are not. */
export const MOST_ROWS = 10_000;

/** The statement without what is in quotes, comments and inner brackets: blanks in their place, so that positions stay. */
export function bare(sql: string): string {
  let out = '';
  let depth = 0;
  for (let at = 0; at < sql.length; ) {
    const rest = sql.slice(at);
    const skip = /^('(?:[^']|'')*'?|"(?:[^"]|"")*"?|--[^\n]*|\/\*[^]*?(?:\*\/|$))/.exec(rest)?.[0];
    if (skip !== undefined) {
      out += ' '.repeat(skip.length);
      at += skip.length;
      continue;
    }
    const letter = sql[at] ?? '';
    if (letter === ')') depth = Math.max(0, depth - 1);
    out += depth > 0 && letter !== '\n' ? ' ' : letter;
    if (letter === '(') depth += 1;
    at += 1;
  }
  return out;
}

/** The statement as it is sent: with a limit, if it asks for rows and has none of its own. */
export function limited(sql: string): { sql: string; cut: boolean } {
  const text = bare(sql);
  const end = /[;\s]*$/.exec(text)?.index ?? text.length;
  const kept = sql.slice(0, end);
  const asksRows = /^\s*\(*\s*(select|with|values)\b/i.test(text);
  if (!asksRows || /\b(limit|fetch)\b/i.test(text)) return { sql: kept, cut: false };
  return { sql: `${kept}\nLIMIT ${MOST_ROWS + 1}`, cut: true };
}

/** A stretch of the text, by its letters. */
export interface Place {
  from: number;
  to: number;
}

/** Where in the statement an error lies, as far as its words say. */
export function placeOf(error: string, sql: string): Place | null {
  const told = /Line:? (\d+),? Column:? (\d+)/i.exec(error);
  if (told) return wordAt(sql, Number(told[1]), Number(told[2]));
  if (/found: EOF/.test(error)) return { from: Math.max(0, sql.trimEnd().length - 1), to: sql.trimEnd().length };
  const name = /(?:no column|no namespace|no function|no table function|no table|table) [`'"]?([^\s`'",;]+?)[`'"]?(?:[.;,\s]|$)/i.exec(error)?.[1];
  return name === undefined ? null : nameIn(sql, name);
}

function wordAt(sql: string, line: number, column: number): Place {
  const lines = sql.split('\n');
  let from = Math.max(0, column - 1);
  for (let at = 0; at < line - 1; at += 1) from += (lines[at]?.length ?? 0) + 1;
  from = Math.min(from, Math.max(0, sql.length - 1));
  const word = /^(\w+|'[^']*'|"[^"]*"|[^\s\w])/.exec(sql.slice(from))?.[0] ?? ' ';
  return { from, to: Math.min(sql.length, from + word.length) };
}

function nameIn(sql: string, name: string): Place | null {
  for (const wanted of [name, name.split('.').pop() ?? name]) {
    const found = new RegExp(`(?<![\\w])${wanted.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}(?![\\w])`, 'i').exec(sql);
    if (found) return { from: found.index, to: found.index + wanted.length };
  }
  return null;
}
