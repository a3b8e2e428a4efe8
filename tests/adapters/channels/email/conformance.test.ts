import { conformance } from '../../../support/conformance.ts';
import { EmailCounterpart } from '../../../support/email-counterpart.ts';

conformance('e-mail', () => EmailCounterpart.start());
