// The text panel's formatting: a few marks become elements. What is not a mark is text; nothing ever becomes HTML.
//
//   # Heading        - item        **strong**   *emphasis*   `code`   [words](https://…)

export type Span =
  { kind: 'text' | 'strong' | 'emphasis' | 'code'; text: string } | { kind: 'link'; text: string; href: string };

export type Block =
  | { kind: 'heading'; level: 2 | 3; spans: Span[] }
  | { kind: 'list'; items: Span[][] }
  | { kind: 'paragraph'; lines: Span[][] };

/** Blocks of a text, in order. */
export function blocks(text: string): Block[] {
  const found: Block[] = [];
  let open = false;
  for (const raw of text.replace(/\r\n?/g, '\n').split('\n')) {
    const line = raw.trimEnd();
    const last = found.at(-1);
    const heading = /^(#{1,3})\s+(.+)$/.exec(line);
    const item = /^\s*[-*]\s+(.+)$/.exec(line);
    if (heading?.[2]) {
      found.push({ kind: 'heading', level: heading[1] === '#' ? 2 : 3, spans: spans(heading[2]) });
      open = false;
    } else if (item?.[1]) {
      if (open && last?.kind === 'list') last.items.push(spans(item[1]));
      else found.push({ kind: 'list', items: [spans(item[1])] });
      open = true;
    } else if (line.trim() === '') {
      open = false;
    } else {
      if (open && last?.kind === 'paragraph') last.lines.push(spans(line));
      else found.push({ kind: 'paragraph', lines: [spans(line)] });
      open = true;
    }
  }
  return found;
}

const MARKS = /`([^`]+)`|\*\*([^*]+)\*\*|\*([^*\s][^*]*)\*|\[([^\]]+)\]\(([^()\s]+)\)/g;

/** The marks within a line. */
export function spans(line: string): Span[] {
  const found: Span[] = [];
  let end = 0;
  const plain = (text: string) => {
    if (text) found.push({ kind: 'text', text });
  };
  for (const match of line.matchAll(MARKS)) {
    const [whole, code, strong, emphasis, words, href] = match;
    const target = href === undefined ? null : safe(href);
    if (href !== undefined && target === null) continue;
    plain(line.slice(end, match.index));
    if (code !== undefined) found.push({ kind: 'code', text: code });
    else if (strong !== undefined) found.push({ kind: 'strong', text: strong });
    else if (emphasis !== undefined) found.push({ kind: 'emphasis', text: emphasis });
    else found.push({ kind: 'link', text: words ?? '', href: target ?? '' });
    end = match.index + whole.length;
  }
  plain(line.slice(end));
  return found;
}

/** An address that is safe to go to, or null: the web and mail only, never a script. */
function safe(href: string): string | null {
  try {
    const url = new URL(href);
    return ['https:', 'http:', 'mailto:'].includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}
