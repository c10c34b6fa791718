// What `isthmus-log-levels` says: how much each subsystem logs.

import { SUBSYSTEMS, type SubsystemLevel } from '../../../base/log-levels.ts';
import { LOG_LEVELS } from '../../../base/log.ts';
import { flag, record, records, word, type RecordCodec } from './codec.ts';

export interface LogLevelList {
  readonly levels: readonly SubsystemLevel[];
}

export const LOG_LEVEL_LIST: RecordCodec<LogLevelList> = record<LogLevelList>({
  levels: records(
    record<SubsystemLevel>({ subsystem: word(...SUBSYSTEMS), level: word(...LOG_LEVELS), isOwn: flag }),
  ),
});
