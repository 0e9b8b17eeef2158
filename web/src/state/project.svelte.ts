/** The user's projects, and the one that is open: the one in the path. */
import { ProblemError, context } from '../api/call';
import * as api from '../api/projects';

class ProjectState {
  /** All projects of the user; `null` until they are known. */
  all = $state<api.Project[] | null>(null);
  failed = $state<unknown>(null);
  /** The open project; `null` when none is open. */
  current = $state<api.Project | null>(null);

  get rights(): api.Rights {
    return this.current?.permissions ?? { read: false, write: false, admin: false };
  }

  /** Its number. Pages under `/p/` may rely on it. */
  get id(): number {
    return this.current?.project_id ?? 0;
  }

  /** Asks for the list again. */
  async load(): Promise<void> {
    this.failed = null;
    try {
      this.all = await api.list();
      if (this.current) this.current = this.all.find((project) => project.project_id === this.id) ?? this.current;
    } catch (error) {
      this.failed = error;
    }
  }

  /** Opens the project of this number; every call names it from now on. */
  async open(number: string): Promise<void> {
    if (this.all === null || !this.all.some((project) => String(project.project_id) === number)) await this.load();
    if (this.failed) return;
    const found = this.all?.find((project) => String(project.project_id) === number);
    if (found) {
      this.current = found;
      context.project = found.project_id;
    } else {
      this.close();
      this.failed = new ProblemError(404, 'There is no such project', 'It was deleted, or you are not a member of it. Ask one of its admins.');
    }
  }

  close(): void {
    this.current = null;
    this.failed = null;
    context.project = null;
  }

  /** Forgets everything, when someone signs out. */
  forget(): void {
    this.close();
    this.all = null;
  }
}

export const project = new ProjectState();
/** A path within the open project. */
export const inProject = (path = '') => `/p/${project.id}${path}`;
