import { conformance } from '../../support/conformance.ts';
import { ScriptedCounterpart } from '../../support/scripted-counterpart.ts';

conformance('the platform in memory', () => Promise.resolve(new ScriptedCounterpart()));
