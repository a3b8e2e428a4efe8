import { conformance } from '../../../support/conformance.ts';
import { startMatrixCounterpart } from '../../../support/matrix-counterpart.ts';

conformance('Matrix', startMatrixCounterpart);
