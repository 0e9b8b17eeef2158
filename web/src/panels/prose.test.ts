import { describe, expect, it } from 'vitest';
import { blocks, spans } from './prose';

describe('the text panel', () => {
  it('knows headings, lists and paragraphs', () => {
    expect(blocks('# Cold store\nTwo rooms.\nKeep shut.\n\n- north\n- south\n\nEnd')).toEqual([
      { kind: 'heading', level: 2, spans: [{ kind: 'text', text: 'Cold store' }] },
      { kind: 'paragraph', lines: [[{ kind: 'text', text: 'Two rooms.' }], [{ kind: 'text', text: 'Keep shut.' }]] },
      { kind: 'list', items: [[{ kind: 'text', text: 'north' }], [{ kind: 'text', text: 'south' }]] },
      { kind: 'paragraph', lines: [[{ kind: 'text', text: 'End' }]] },
    ]);
  });

  it('knows strong, emphasis, code and links', () => {
    expect(spans('a **b** *c* `**d**` [e](https://example.org/x)')).toEqual([
      { kind: 'text', text: 'a ' },
      { kind: 'strong', text: 'b' },
      { kind: 'text', text: ' ' },
      { kind: 'emphasis', text: 'c' },
      { kind: 'text', text: ' ' },
      { kind: 'code', text: '**d**' },
      { kind: 'text', text: ' ' },
      { kind: 'link', text: 'e', href: 'https://example.org/x' },
    ]);
  });

  it('leaves markup and scripts as the text that they are', () => {
    const hostile = '<img src=x onerror=alert(1)> [x](javascript:alert(1)) [y](data:text/html,hi)';
    expect(spans(hostile)).toEqual([{ kind: 'text', text: hostile }]);
    expect(spans('5 * 3 * 2')).toEqual([{ kind: 'text', text: '5 * 3 * 2' }]);
  });
});
