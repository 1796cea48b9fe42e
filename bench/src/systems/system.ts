/** Something that takes texts and says when it has them. */
export interface System {
  readonly name: string
  /** In a few words, for the report. */
  readonly about: string
  /** Begins with nothing. */
  start(): Promise<RunningSystem>
}

export interface RunningSystem {
  /** Whose processor time counts as the servers'. */
  pids(): readonly number[]
  connect(): Promise<Connection>
  /** Ends everything and removes its files. */
  stop(): Promise<void>
}

export interface Connection {
  /** Resolves when the payload is acknowledged. */
  write(payload: Buffer, timeoutMs?: number): Promise<void>
  close(): void | Promise<void>
}
