import { type ChatClient, ChatError, type ChatErrorCode } from '@chatroom/client'
import { type Deliver, Mail } from './mail.ts'
import { active, idleIn, loggedIn, out, type Presence } from './presence.ts'

export interface AttendanceParts {
  readonly deliver: Deliver
  /** Tells the user something that no command asked for. */
  readonly notice: (text: string) => void
  /** Somebody has logged in, or (null) nobody is any more. */
  readonly onName: (name: string | null) => void
  /** A clock that never goes back, milliseconds. */
  readonly now: () => number
}

/** One login of the user: the messages that arrive, and the end when nobody gives a command. */
export class Attendance {
  readonly #parts: AttendanceParts
  #presence: Presence = out
  #client: ChatClient | null = null
  #mail: Mail | null = null
  #idleTimer: NodeJS.Timeout | undefined

  constructor(parts: AttendanceParts) {
    this.#parts = parts
  }

  get presence(): Presence {
    return this.#presence
  }

  begin(client: ChatClient, name: string, idleTimeoutSeconds: number): void {
    this.#client = client
    this.#become(loggedIn(name, idleTimeoutSeconds, this.#parts.now()))
    this.#openMail(client)
  }

  /** Resolves when the messages that waited at the login have been delivered. */
  async caughtUp(): Promise<void> {
    await this.#mail?.caughtUp
  }

  /** Delivers what waits. @returns how many messages came meanwhile. @throws ChatError */
  async fetch(): Promise<number> {
    if (this.#mail === null) throw new ChatError('not logged in', 'Log in first.')
    return await this.#mail.fetch()
  }

  /** The user gave a command. */
  active(): void {
    this.#become(active(this.#presence, this.#parts.now()))
  }

  /** Ends the login by `how`. Messages that arrive while that is under way wait for the next one. */
  async leave(how: () => Promise<void>): Promise<void> {
    await this.#closeMail()
    try {
      await how()
    } catch (error) {
      const goesOn = this.#presence.kind === 'in' && !(error instanceof ChatError && error.endsSession)
      if (goesOn && this.#client !== null) this.#openMail(this.#client)
      throw error
    }
    this.#become(out)
  }

  /** The replicas ended the session. */
  ended(reason: ChatError): void {
    if (this.#presence.kind === 'out') return
    const why = this.#why(reason.code)
    this.#become(out)
    this.#mail = null
    this.#parts.notice(`Logged out: ${why}`)
  }

  /** Delivers what has been taken and takes no more. */
  async close(): Promise<void> {
    clearTimeout(this.#idleTimer)
    await this.#closeMail()
  }

  #become(presence: Presence): void {
    const before = this.#presence
    this.#presence = presence
    if (nameIn(presence) !== nameIn(before)) this.#parts.onName(nameIn(presence))
    clearTimeout(this.#idleTimer)
    const ms = idleIn(presence, this.#parts.now())
    if (ms === null) return
    this.#idleTimer = setTimeout(() => void this.#idle(), ms)
    this.#idleTimer.unref()
  }

  async #idle(): Promise<void> {
    const left = idleIn(this.#presence, this.#parts.now())
    if (left === null || this.#client === null) return
    const client = this.#client
    const why = `no command for ${this.#idleSeconds()} s.`
    try {
      await this.leave(() => client.logout())
      this.#parts.notice(`Logged out: ${why}`)
    } catch (error) {
      // Nobody answers, or the replicas were quicker, and have told so. Either way they end the session.
      if (!(error instanceof ChatError)) throw error
    }
  }

  #openMail(client: ChatClient): void {
    const mail: Mail = new Mail(client, this.#parts.deliver, (error) => {
      if (this.#mail !== mail || error.endsSession) return
      this.#parts.notice(`Messages no longer appear by themselves: ${error.message}`)
    })
    this.#mail = mail
  }

  async #closeMail(): Promise<void> {
    const mail = this.#mail
    this.#mail = null
    await mail?.stop()
  }

  #idleSeconds(): number {
    return this.#presence.kind === 'in' ? this.#presence.idleTimeoutMs / 1_000 : 0
  }

  #why(code: ChatErrorCode): string {
    const presence = this.#presence
    const name = presence.kind === 'in' ? presence.name : 'the account'
    switch (code) {
      case 'session expired':
        return `no command for ${this.#idleSeconds()} s, or the session was as old as a session may get.`
      case 'session taken over':
        return `${name} has logged in elsewhere.`
      case 'password changed':
        return `the password of ${name} has been changed.`
      case 'account deleted':
        return `the account ${name} has been deleted.`
      default:
        return `the servers do not know the session of ${name} any more.`
    }
  }
}

function nameIn(presence: Presence): string | null {
  return presence.kind === 'in' ? presence.name : null
}
