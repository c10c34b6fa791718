// The scenario of the lab whose point no other test here has; test/long runs every scenario.

import { sameSpiBehindNat } from '../../scripts/lab/scenarios/same-spi-behind-nat.ts';
import { describeScenarios } from '../support/describe-scenarios.ts';

describeScenarios([sameSpiBehindNat]);
