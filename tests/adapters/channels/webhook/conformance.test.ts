import { conformance } from '../../../support/conformance.ts';
import { WebhookCounterpart } from '../../../support/webhook-counterpart.ts';

conformance('webhook', () => WebhookCounterpart.open());
