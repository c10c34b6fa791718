// The engines that a gateway can run, as --engine and the configuration name them.

export type EngineName = 'native' | 'portable';
