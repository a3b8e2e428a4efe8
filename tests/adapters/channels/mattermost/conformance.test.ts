import { conformance } from '../../../support/conformance.ts';
import { startMattermostCounterpart } from '../../../support/mattermost-counterpart.ts';

conformance('Mattermost', startMattermostCounterpart);
