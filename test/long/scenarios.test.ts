// Every scenario of the lab.

import { scenarios } from '../../scripts/lab/scenarios/all-scenarios.ts';
import { describeScenarios } from '../support/describe-scenarios.ts';

describeScenarios(scenarios);
