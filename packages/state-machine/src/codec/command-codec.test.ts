import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyText } from '../../test/any-text.ts'
import { codeThrown } from '../../test/driver.ts'
import { fingerprintOf } from '../apply/fingerprint.ts'
import type { Command } from '../command.ts'
import { Command as CommandMessage } from '../gen/chatroom/state/v1/command.ts'
import { Digest } from '../text/digest.ts'
import { bytesOf, textOf } from '../text/text-bytes.ts'
import { CommandCodec } from './command-codec.ts'

const number = fc.oneof(fc.nat(300), fc.maxSafeNat())
const text = fc.oneof(
  anyText(200),
  fc.nat(70_000).map((length) => 'x'.repeat(length)),
  fc.nat(3_000).map((length) => '€'.repeat(length)),
)
const send = fc.record({
  type: fc.constant('send' as const),
  sessionId: number,
  requestId: text,
  to: text,
  text,
})
const command: fc.Arbitrary<Command> = fc.oneof(
  send,
  fc.record({ type: fc.constant('createAccount' as const), requestId: text, name: text, passwordHash: text }),
  fc.record({
    type: fc.constant('login' as const),
    requestId: text,
    name: text,
    accountId: number,
    tokenHash: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    takeover: fc.boolean(),
    idleTimeoutMs: number,
    lifetimeMs: number,
  }),
  fc.record({
    type: fc.constant('administer' as const),
    name: text,
    action: fc.constantFrom('lock' as const, 'unlock' as const, 'delete' as const),
  }),
  fc.record({ type: fc.constant('logout' as const), sessionId: number, requestId: text }),
  fc.record({
    type: fc.constant('changePassword' as const),
    sessionId: number,
    requestId: text,
    passwordHash: text,
  }),
  fc.record({
    type: fc.constant('deleteAccount' as const),
    sessionId: number,
    requestId: text,
    confirmName: text,
  }),
  fc.record({
    type: fc.constant('acknowledge' as const),
    sessionId: number,
    requestId: text,
    upToSequence: number,
  }),
  fc.record({ type: fc.constant('touch' as const), sessionId: number }),
  fc.constant({ type: 'expire' as const }),
)

describe('CommandCodec', () => {
  it('gives back what was encoded', () => {
    const codec = new CommandCodec()
    fc.assert(
      fc.property(command, (some) => {
        expect(codec.decode(codec.encode(some))).toEqual(some)
      }),
    )
  })

  it('encodes a send as the generated code does', () => {
    const codec = new CommandCodec()
    fc.assert(
      fc.property(send, ({ type, ...value }) => {
        const generated = CommandMessage.encode({ command: { $case: type, value } }).finish()
        expect(Buffer.from(codec.encode({ type, ...value })).equals(generated)).toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  it('decodes a send as the generated code does, whatever the bytes', () => {
    const codec = new CommandCodec()
    const generated = (bytes: Uint8Array): unknown => {
      const { command: decoded } = CommandMessage.decode(bytes)
      return decoded?.$case === 'send' ? { type: 'send', ...decoded.value } : 'no send'
    }
    const ours = (bytes: Uint8Array): unknown => {
      const decoded = codec.decode(bytes)
      return decoded.type === 'send' ? decoded : 'no send'
    }
    const outcome = (decode: (bytes: Uint8Array) => unknown, bytes: Uint8Array): unknown => {
      try {
        return decode(bytes)
      } catch {
        return 'refused'
      }
    }
    const changed = fc.tuple(send, fc.nat(), fc.nat({ max: 255 })).map(([some, at, byte]) => {
      const bytes = codec.encode(some).slice()
      bytes[at % bytes.length] = byte
      return bytes
    })
    fc.assert(
      fc.property(changed, (bytes) => {
        const expected = outcome(generated, bytes)
        // What is no command at all is refused by the codec alone.
        const allowed = expected === 'no send' ? ['no send', 'refused'] : [expected]
        expect(allowed).toContainEqual(outcome(ours, bytes))
      }),
      { numRuns: 3_000 },
    )
  })

  it('never changes an encoded command afterwards', () => {
    const codec = new CommandCodec()
    const commands = Array.from(
      { length: 3_000 },
      (_, i): Command => ({
        type: 'send',
        sessionId: i,
        requestId: `request ${i}`,
        to: 'bob',
        text: 'x'.repeat(i % 200),
      }),
    )
    const payloads = commands.map((some) => codec.encode(some))
    expect(payloads.map((payload) => codec.decode(payload))).toEqual(commands)
  })

  it('keeps a byte order mark, which is text', () => {
    const codec = new CommandCodec()
    const some: Command = {
      type: 'send',
      sessionId: 1,
      requestId: '\ufeffr',
      to: '\ufeffbob',
      text: `\ufeff${'x'.repeat(100)}`,
    }
    expect(codec.decode(codec.encode(some))).toEqual(some)
  })

  it.each<Command>([
    { type: 'send', sessionId: 1, requestId: 'r', to: 'bob', text: 'half \ud83d' },
    { type: 'createAccount', requestId: '\ude00', name: 'n', passwordHash: 'h' },
    { type: 'send', sessionId: -1, requestId: 'r', to: 'bob', text: 't' },
    { type: 'touch', sessionId: 1.5 },
    { type: 'touch', sessionId: 2 ** 53 },
    { type: 'touch', sessionId: Number.NaN },
  ])('refuses to encode what would come back different: %j', (some) => {
    expect(() => new CommandCodec().encode(some)).toThrow(
      expect.objectContaining({ code: 'invalid command' }),
    )
  })

  it.each([
    ['nothing', []],
    ['a command of another version', [0xfa, 0x07, 0x00]],
    ['a length beyond the end', [0x2a, 0x7f, 0x08]],
    ['an endless number', Array.from({ length: 20 }, () => 0xff)],
    ['a wrong wire type', [0x2f]],
    ['a number beyond the safe ones', [0x3a, 0x0a, 0x08, ...Array.from({ length: 8 }, () => 0xff), 0x7f]],
  ])('refuses to decode %s', (_, bytes) => {
    expect(() => new CommandCodec().decode(Uint8Array.from(bytes))).toThrow(
      expect.objectContaining({ name: 'StateMachineError', code: 'malformed command' }),
    )
  })

  it('decodes any bytes or says that they are no command', () => {
    const codec = new CommandCodec()
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        const code = codeThrown(() => codec.decode(bytes))
        expect([undefined, 'malformed command']).toContain(code)
      }),
      { numRuns: 2_000 },
    )
  })

  it('is not fooled by a payload that is cut off', () => {
    const codec = new CommandCodec()
    const whole = codec.encode({
      type: 'send',
      sessionId: 300,
      requestId: 'request',
      to: 'bob',
      text: 'hello',
    })
    for (let length = 0; length < whole.length; length++) {
      expect(() => codec.decode(whole.subarray(0, length))).toThrow(
        expect.objectContaining({ code: 'malformed command' }),
      )
    }
  })

  it('knows of a send what is asked of each when it is applied, decoded or made', () => {
    const codec = new CommandCodec()
    fc.assert(
      fc.property(send, (some) => {
        // Replicas of all versions remember this number, and compare their states.
        const digest = new Digest().text('send').text(some.to).text(some.text)
        for (const logged of [codec.decodeLogged(codec.encode(some)), codec.logged(some)]) {
          if (logged.type !== 'send') throw new Error('It is no send.')
          expect(textOf(logged)).toBe(some.text)
          expect([logged.requestIdBytes, bytesOf(logged)]).toEqual(
            [some.requestId, some.text].map((each) => Buffer.byteLength(each)),
          )
          expect(fingerprintOf(logged)).toBe(digest.toNumber())
        }
      }),
    )
    const hello = codec.logged({ type: 'send', sessionId: 1, requestId: 'r', to: 'bob', text: 'hello' })
    expect(hello).toMatchObject({ fingerprint: 2_558_590_522_423_600 })
  })

  it('takes the last text, if there are two, as the generated code does', () => {
    const bytes = Uint8Array.of(0x2a, 0x06, 0x22, 0x01, 0x61, 0x22, 0x01, 0x62)
    expect(new CommandCodec().decode(bytes)).toMatchObject({ type: 'send', text: 'b' })
  })

  it('ignores a field that a later version may add', () => {
    // Touch with session 7 and an unknown field 9.
    expect(new CommandCodec().decode(Uint8Array.of(0x3a, 0x04, 0x08, 0x07, 0x48, 0x01))).toEqual({
      type: 'touch',
      sessionId: 7,
    })
  })
})
