import { type ChatClient, ChatError, connect } from '@chatroom/client'
import { options } from '@chatroom/configuration'
import { takeover } from '../own-options.ts'
import { done } from '../result.ts'
import { serversOf } from '../servers.ts'
import type { KeptLogin } from '../state/kept-session.ts'
import { statusResult } from '../status.ts'
import { passwordFor, passwordsFor } from './password.ts'
import type { Shot, ShotAction } from './shot.ts'

/** A login that is kept is of use only if it outlives the pauses between commands: 8 hours unless told otherwise. */
export const keptIdleSeconds = 28_800

export const create: ShotAction = async ({ invocation, client, signal }) => {
  const name = invocation.arguments[0] ?? ''
  const password = await passwordFor(invocation, signal)
  await (await client()).createAccount(name, password, { signal })
  return done('create', `The account ${name} has been made.`, { name })
}

export const login: ShotAction = async (shot) => {
  const { invocation, store, client, signal } = shot
  const { settings } = invocation
  const password = await passwordFor(invocation, signal)
  const kept = store.load()
  const name = invocation.arguments[0] ?? kept?.name ?? ''
  if (name === '') throw new ChatError('invalid name', 'Whose login? chatroom login NAME.')
  const connected = await client()
  // One's own login is no reason to be refused.
  const own = kept !== null && kept.name === name && (await isAlive(kept, shot))
  const idle = settings.get(options.idleTimeout)
  const opened = await connected.login(name, password, {
    takeover: own || settings.get(takeover),
    idleTimeoutSeconds: settings.source(options.idleTimeout).kind === 'default' ? keptIdleSeconds : idle,
    signal,
  })
  const { idleTimeoutSeconds, waiting } = opened
  if (connected.keptSession !== null) {
    try {
      store.save({ name: opened.name, token: connected.keptSession.token, idleTimeoutSeconds })
    } catch (error) {
      // A login that nobody can use would only keep others out.
      await connected.logout({ signal })
      throw error
    }
  }
  if (kept !== null && kept.name !== opened.name) await endOf(kept, shot)
  const messages = waiting === 1 ? '1 message waits' : `${waiting} messages wait`
  const message = `Logged in as ${opened.name}; ${waiting === 0 ? 'no messages wait' : messages}.`
  return done('login', message, { name: opened.name, waiting, idleTimeoutSeconds })
}

export const logout: ShotAction = async ({ store, session, signal }) => {
  const { client } = await session()
  try {
    await client.logout({ signal })
  } catch (error) {
    // That it was over already is what was wanted.
    if (!(error instanceof ChatError && error.endsSession)) throw error
  }
  store.forget()
  return done('logout', 'Logged out.')
}

export const passwd: ShotAction = async (shot) => {
  const { invocation, store, session, signal } = shot
  // Nobody types passwords to hear then that there is no login.
  const { client, login: kept } = await session()
  const { old, next } = await passwordsFor(invocation, signal)
  await client.changePassword(old, next, { signal })
  // The session has ended with that, wherever else it was in use.
  store.forget()
  const { name, idleTimeoutSeconds } = kept
  try {
    await client.login(name, next, { idleTimeoutSeconds, signal })
    if (client.keptSession !== null) store.save({ name, token: client.keptSession.token, idleTimeoutSeconds })
    return done('passwd', 'The password has been changed.', { name })
  } catch (error) {
    if (!(error instanceof ChatError)) throw error
    return done('passwd', `The password has been changed, but log in again: ${error.message}`, { name })
  }
}

export const remove: ShotAction = async ({ invocation, store, session, signal }) => {
  const name = invocation.arguments[0] ?? ''
  const { client } = await session()
  await client.deleteAccount(name, { signal })
  store.forget()
  return done('delete', `The account ${name} has been removed.`, { name })
}

export const list: ShotAction = async ({ invocation, client, signal }) => {
  const connected = await client()
  const names: string[] = []
  for await (const name of connected.list(invocation.arguments[0] ?? '', { signal })) names.push(name)
  const message = names.length === 1 ? '1 account.' : `${names.length === 0 ? 'No' : names.length} accounts.`
  return done('list', message, { names }, names)
}

export const status: ShotAction = async ({ client, signal }) => {
  return statusResult(await (await client()).look({ signal }))
}

/** Whether the replicas still know a login that was kept. */
async function isAlive(kept: KeptLogin, shot: Shot): Promise<boolean> {
  return await inSession(kept, shot, async (client) => client.touch({ signal: shot.signal }))
}

/** Ends a login that nobody will use again; if that fails its idle timeout ends it. */
async function endOf(kept: KeptLogin, shot: Shot): Promise<void> {
  await inSession(kept, shot, async (client) => client.logout({ signal: shot.signal }))
}

/** @returns false if the session is over */
async function inSession(
  kept: KeptLogin,
  { invocation, signal }: Shot,
  action: (client: ChatClient) => Promise<void>,
): Promise<boolean> {
  await using client = await connect({ ...serversOf(invocation.settings).connectOptions, signal })
  try {
    client.resume(kept)
    await action(client)
    return true
  } catch (error) {
    if (error instanceof ChatError) return false
    throw error
  } finally {
    await client.close({ logout: false })
  }
}
