// Boards as the server keeps them, with all that the API lets one leave out filled in.

import * as api from '../api/boards';
import { ProblemError } from '../api/call';
import { type Board, readBoard } from './board';

export interface OpenBoard extends Omit<api.StoredBoard, 'board'> {
  board: Board;
}

export interface OpenShared {
  name: string;
  project: string;
  board: Board;
}

function whole(board: unknown): Board {
  const read = readBoard(board);
  if (read.problems) throw new ProblemError(0, 'This board cannot be shown', read.problems.join('; '));
  return read.value;
}

export async function openBoard(id: number | string): Promise<OpenBoard> {
  const found = await api.show(id);
  return { ...found, board: whole(found.board) };
}

/** The board that a link's key opens. */
export async function openShared(key: string): Promise<OpenShared> {
  const { dashboard, project_name } = await api.shared(key);
  return { name: dashboard.name, project: project_name, board: whole(dashboard.board) };
}
