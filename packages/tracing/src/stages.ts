/** A stage of a message or call that has begun. */
export interface OpenStage {
  /** A W3C `traceparent` that names it. */
  readonly context: string
  end(failure?: string): void
}

/** Makes spans of what the ports of `@chatroom/replica` and `@chatroom/chat-service` tell: an implementation of `ServiceTracing`. */
export interface Stages {
  /** `parent`: what a stranger says that it is part of. Null: it is not followed. */
  receive(method: string, parent: string): OpenStage | null
  begin(stage: string, within: string, numbers?: Readonly<Record<string, number>>): OpenStage
}
