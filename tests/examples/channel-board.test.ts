import { conformance } from '../support/conformance.ts';
import { Board } from './board-server.ts';

conformance('the example board', () => Board.open());
