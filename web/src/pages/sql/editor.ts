// The editor of the SQL console. It is loaded when the page is opened, and stands in a shadow root: there its styles are
// sheets made by script, which the page's policy allows, and touch nothing else.

import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap, type CompletionContext } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import { PostgreSQL, sql } from '@codemirror/lang-sql';
import { bracketMatching, HighlightStyle, indentOnInput, syntaxHighlighting } from '@codemirror/language';
import { Compartment, EditorState, Prec, StateEffect, StateField } from '@codemirror/state';
import { Decoration, type DecorationSet, drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers, placeholder } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import type { Place } from './statement';

/** Names for completion: namespaces and their fields. */
export type Names = Record<string, string[]>;

export interface Editor {
  text: () => string;
  set: (text: string) => void;
  insert: (text: string) => void;
  names: (names: Names) => void;
  /** Underlines where an error lies; null takes the line away. */
  mark: (place: Place | null) => void;
  focus: () => void;
  destroy: () => void;
}

export interface EditorOptions {
  text: string;
  label: string;
  names: Names;
  onchange: (text: string) => void;
  onrun: () => void;
}

/** Functions that are worth offering: the platform's own, and those of everyday use. */
const FUNCTIONS: [string, string][] = [
  ["time_bucket(INTERVAL '15 minutes', time)", 'start of the bucket'], ['first(', 'value at the earliest time'], ['last(', 'value at the latest time'],
  ['avg(', 'mean'], ['min(', 'least'], ['max(', 'greatest'], ['sum(', 'sum'], ['count(', 'how many'], ['stddev(', 'standard deviation'],
  ['approx_median(', 'median, about'], ['approx_percentile_cont(0.95) WITHIN GROUP (ORDER BY ', 'percentile, about'], ['approx_distinct(', 'how many differ, about'],
  ['corr(', 'correlation of two'], ['date_trunc(', "start of the 'day', 'week', ..."], ['extract(', 'part of a time'], ['now()', 'this moment'], ['abs(', 'without sign'],
  ['round(', 'rounded'], ['coalesce(', 'first that is not null'], ['lag(', 'value of the row before'], ['lead(', 'value of the row after'],
  ['row_number() OVER (', 'number of the row'], ['lower(', 'in small letters'], ['upper(', 'in capitals'], ['concat(', 'texts joined'],
];

function functions(context: CompletionContext) {
  const word = context.matchBefore(/\w+/);
  if (!word && !context.explicit) return null;
  return {
    from: word ? word.from : context.pos,
    options: FUNCTIONS.map(([apply, detail]) => ({ label: apply.split('(')[0] ?? apply, apply, detail, type: 'function', boost: -1 })),
  };
}

const marked = StateEffect.define<Place | null>();
const marks = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(old, change) {
    let now = change.docChanged ? Decoration.none : old;
    for (const effect of change.effects) {
      if (!effect.is(marked)) continue;
      const place = effect.value;
      now = place && place.to > place.from && place.to <= change.state.doc.length
        ? Decoration.set([Decoration.mark({ class: 'cm-wrong', attributes: { 'aria-invalid': 'true' } }).range(place.from, place.to)])
        : Decoration.none;
    }
    return now;
  },
  provide: (field) => EditorView.decorations.from(field),
});

const look = EditorView.theme({
  '&': { color: 'var(--text)', backgroundColor: 'transparent', fontSize: '13.5px', height: '100%' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--font-mono)', lineHeight: '1.6' },
  '.cm-content': { caretColor: 'var(--text)', padding: '12px 0' },
  '.cm-gutters': { backgroundColor: 'transparent', color: 'var(--text-faint)', border: 'none', paddingLeft: '4px' },
  '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'var(--hover)' },
  '.cm-cursor': { borderLeftColor: 'var(--text)', borderLeftWidth: '2px' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {
    backgroundColor: 'color-mix(in srgb, var(--accent) 28%, transparent)',
  },
  '.cm-matchingBracket, &.cm-focused .cm-matchingBracket': { backgroundColor: 'var(--accent-soft)', outline: '1px solid var(--accent)' },
  '.cm-placeholder': { color: 'var(--text-faint)' },
  '.cm-wrong': { textDecoration: 'underline wavy var(--bad)', textUnderlineOffset: '4px', backgroundColor: 'var(--bad-soft)' },
  '.cm-tooltip': { backgroundColor: 'var(--raised)', color: 'var(--text)', border: '1px solid var(--border)', borderRadius: '8px', boxShadow: 'var(--shadow)', overflow: 'hidden' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul': { fontFamily: 'var(--font)', fontSize: '13px', maxHeight: '240px' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li': { padding: '3px 10px 3px 6px' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]': { backgroundColor: 'var(--accent-soft)', color: 'var(--accent-text)' },
  '.cm-completionDetail': { color: 'var(--text-soft)', fontStyle: 'normal', marginLeft: '12px' },
  '.cm-completionMatchedText': { textDecoration: 'none', fontWeight: '620' },
});

const colours = HighlightStyle.define([
  { tag: tags.keyword, color: 'var(--accent-text)', fontWeight: '600' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--ok-text)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--warn-text)' },
  { tag: [tags.lineComment, tags.blockComment], color: 'var(--text-soft)', fontStyle: 'italic' },
  { tag: [tags.typeName, tags.standard(tags.name)], color: 'var(--info-text)' },
  { tag: [tags.operator, tags.punctuation], color: 'var(--text-soft)' },
]);

const language = (names: Names) => sql({ dialect: PostgreSQL, schema: names, upperCaseKeywords: true });

/** Puts an editor into an element. */
export function edit(host: HTMLElement, options: EditorOptions): Editor {
  const root = host.shadowRoot ?? host.attachShadow({ mode: 'open', delegatesFocus: true });
  const place = document.createElement('div');
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(':host { display: block; height: 100% } div.place { height: 100% }');
  root.adoptedStyleSheets = [sheet];
  place.className = 'place';
  root.replaceChildren(place);
  const speaks = new Compartment();
  const view = new EditorView({
    parent: place,
    root,
    state: EditorState.create({
      doc: options.text,
      extensions: [
        lineNumbers(), history(), drawSelection(), indentOnInput(), bracketMatching(), closeBrackets(), highlightActiveLine(),
        autocompletion({ icons: false }), placeholder('SELECT time, temperature FROM input ORDER BY time DESC LIMIT 100'),
        speaks.of(language(options.names)), PostgreSQL.language.data.of({ autocomplete: functions }), marks, look, syntaxHighlighting(colours),
        EditorView.lineWrapping, EditorView.contentAttributes.of({ 'aria-label': options.label, spellcheck: 'false', autocorrect: 'off', autocapitalize: 'off' }),
        Prec.highest(keymap.of([{ key: 'Mod-Enter', run: () => (options.onrun(), true) }])),
        keymap.of([...closeBracketsKeymap, ...completionKeymap, ...historyKeymap, ...defaultKeymap, indentWithTab]),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) options.onchange(update.state.doc.toString());
        }),
      ],
    }),
  });
  return {
    text: () => view.state.doc.toString(),
    set: (text) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text }, selection: { anchor: text.length } }),
    insert: (text) => {
      view.dispatch(view.state.replaceSelection(text));
      view.focus();
    },
    names: (names) => view.dispatch({ effects: speaks.reconfigure(language(names)) }),
    mark: (where) => view.dispatch({ effects: marked.of(where), ...(where ? { selection: { anchor: where.from }, scrollIntoView: true } : {}) }),
    focus: () => view.focus(),
    destroy: () => view.destroy(),
  };
}
