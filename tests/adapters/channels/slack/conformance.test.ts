/** Slack keeps the promises of every channel, by both ways of receiving. */
import { conformance } from '../../../support/conformance.ts';
import { SlackCounterpart } from '../../../support/slack-counterpart.ts';

conformance('Slack over Socket Mode', () => SlackCounterpart.start('socket'));
conformance('Slack over HTTP events', () => SlackCounterpart.start('http'));
