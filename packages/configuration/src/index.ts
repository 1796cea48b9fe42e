// For programs: what they declare and what they get.

export { type Address, addressOf, isLoopback, parseAddress } from './address.ts'
export {
  type Cluster,
  type ClusterMember,
  clusterOptions,
  ownMember,
  peerAddresses,
  resolveCluster,
  serverAddresses,
} from './cluster.ts'
export { ConfigurationError, type ConfigurationErrorCode } from './error.ts'
export { metricsAddress, metricsOptions } from './metrics-address.ts'
// ---------------------------------------------------------------------------------------------------------------------
// For an option that only one program has.
export { defineOption, type Option, type OptionDeclaration } from './option.ts'
// The options, each declared once: `settings.get(options.clientPort)`.
export * as options from './options.ts'
export { printable, printableJson, printableLines, printableText } from './printable.ts'
export {
  type Argument,
  type CommandDefinition,
  type Invocation,
  type ProgramDefinition,
  processSurroundings,
  runProgram,
  type Surroundings,
  usageExitCode,
} from './program.ts'
export {
  clientTls,
  clientTlsOptions,
  operatorTls,
  serverTls,
  type TlsFiles,
  tlsOptions,
} from './security.ts'
export type { Settings, Source } from './settings.ts'
// For running a program's configuration without a command line.
export { type Given, resolveSettings } from './settings.ts'
export { oneOf, onOrOff, path, textLike, wholeNumber, wholeNumbers } from './values.ts'
