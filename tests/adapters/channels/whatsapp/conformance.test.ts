import { conformance } from '../../../support/conformance.ts';
import { WhatsAppCounterpart } from '../../../support/whatsapp-counterpart.ts';

conformance('whatsapp', () => WhatsAppCounterpart.open());
