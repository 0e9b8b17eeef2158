/** Light or dark: chosen here, or as the system prefers. `public/ground.js` applies it before the first paint. */
export type Choice = 'light' | 'dark' | 'system';

const KEY = 'iobeam-theme';
const dark = () => matchMedia('(prefers-color-scheme: dark)');

class Theme {
  choice = $state<Choice>('system');
  /** What is shown. Charts are drawn again when it changes. */
  ground = $state<'light' | 'dark'>('light');

  start(): void {
    try {
      const kept = localStorage.getItem(KEY);
      if (kept === 'light' || kept === 'dark') this.choice = kept;
    } catch {
      // Storage is switched off: the system's choice holds.
    }
    this.#apply();
    dark().addEventListener('change', () => this.#apply());
  }

  choose(choice: Choice): void {
    this.choice = choice;
    try {
      if (choice === 'system') localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, choice);
    } catch {
      // It then lasts as long as the page.
    }
    this.#apply();
  }

  #apply(): void {
    const isDark = this.choice === 'dark' || (this.choice === 'system' && dark().matches);
    this.ground = isDark ? 'dark' : 'light';
    document.documentElement.dataset.theme = this.ground;
  }
}

export const theme = new Theme();
