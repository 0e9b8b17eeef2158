/** Short words about what has just happened. What needs an answer belongs into the page or a dialog. */
import type { ProblemError } from '../api/call';

export interface Toast {
  id: number;
  kind: 'ok' | 'bad' | 'info';
  text: string;
  details: string;
  /** One thing to do about it, such as to undo it. */
  action?: { label: string; run: () => void };
}

class Toasts {
  list = $state<Toast[]>([]);
  #next = 1;

  /** Says that something was done. */
  say(text: string, action?: Toast['action'], kind: Toast['kind'] = 'ok'): void {
    this.#add({ kind, text, details: '', action }, action ? 10_000 : 4_000);
  }

  /** Says that something went wrong which has no better place on the page. */
  problem(error: unknown): void {
    const text = error instanceof Error ? error.message : String(error);
    this.#add({ kind: 'bad', text, details: (error as ProblemError).details ?? '' }, 12_000);
  }

  close(id: number): void {
    this.list = this.list.filter((toast) => toast.id !== id);
  }

  #add(toast: Omit<Toast, 'id'>, life: number): void {
    const id = this.#next++;
    this.list = [...this.list.slice(-3), { ...toast, id }];
    setTimeout(() => this.close(id), life);
  }
}

export const toast = new Toasts();
