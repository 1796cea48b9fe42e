export type ConfigurationErrorCode =
  /** A flag, a command or a key of the config file that no option answers to. */
  | 'unknown name'
  /** A value that the option does not take. */
  | 'invalid value'
  /** An option, an argument or a value that has to be given and is not. */
  | 'missing value'
  /** Values that are fine alone and cannot work together. */
  | 'conflict'
  /** The config file cannot be read, or is no JSON object. */
  | 'config file'

/**
 * What was given cannot be used. The message is one sentence that begins with the place it was given at, such as
 * `--client-port: …`, `CHATROOM_CLIENT_PORT: …` or `chatroom.config.json: clientPort: …`.
 */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError'
  readonly code: ConfigurationErrorCode
  constructor(code: ConfigurationErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
  }
}
