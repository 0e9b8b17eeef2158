/** What all workers use is made before any of them begins. */
import { python } from './programs';

export default function prepare(): void {
  python();
}
