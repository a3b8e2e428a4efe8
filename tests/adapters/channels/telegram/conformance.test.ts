import { conformance } from '../../../support/conformance.ts';
import { startTelegramCounterpart } from '../../../support/telegram-counterpart.ts';

conformance('Telegram, polled,', () => startTelegramCounterpart('polling'));
conformance('Telegram, by webhook,', () => startTelegramCounterpart('webhook'));
