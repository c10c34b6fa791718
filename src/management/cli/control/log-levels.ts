// The levels of the log, from what everybody should hear to details.

export const LEVELS = ['error', 'warn', 'info', 'debug'] as const;
