import { storeConformance } from './conformance.ts';
import { openEmpty } from './open.ts';

storeConformance('sqlite', openEmpty);
