import { conformance } from '../../../support/conformance.ts';
import { startSignalCounterpart } from '../../../support/signal-counterpart.ts';

conformance('Signal', startSignalCounterpart);
