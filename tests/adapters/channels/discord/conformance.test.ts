import { conformance } from '../../../support/conformance.ts';
import { startDiscordCounterpart } from '../../../support/discord-counterpart.ts';

conformance('discord', startDiscordCounterpart);
