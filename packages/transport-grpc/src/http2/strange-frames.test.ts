import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Caller } from '../../test/caller.ts'
import { frame, headersFrame } from '../../test/frames.ts'
import { encodeFields } from './field-encoder.ts'
import { encodeReset, encodeSettings, encodeWindowUpdate } from './frames.ts'
import { errorCode, flag, frameType, setting } from './protocol.ts'

// Whatever a caller says, and whatever is done with its streams meanwhile: nothing is thrown, and it hears the answer to its next question, or why the connection ends.

const status = encodeFields([':status', '200'])
const stream = fc.nat({ max: 9 })
const size = fc.oneof(fc.nat({ max: 10 }), fc.constantFrom(16_384, 16_385))

/** What could be part of a conversation. */
const sensible: fc.Arbitrary<Buffer> = fc.oneof(
  fc.tuple(stream, fc.boolean()).map(([id, isWhole]) => headersFrame({ stream: 2 * id + 1, isWhole })),
  fc
    .tuple(stream, size, fc.boolean())
    .map(([id, bytes, isLast]) =>
      frame(frameType.data, isLast ? flag.endStream : 0, 2 * id + 1, Buffer.alloc(bytes)),
    ),
  fc
    .tuple(stream, fc.nat({ max: 100_000 }))
    .map(([id, bytes]) => encodeWindowUpdate(id === 0 ? 0 : 2 * id - 1, bytes)),
  stream.map((id) => encodeReset(2 * id + 1, errorCode.cancel)),
  fc.nat({ max: 200_000 }).map((bytes) => encodeSettings([[setting.initialWindowSize, bytes]])),
  fc.constant(frame(frameType.goAway, 0, 0, Buffer.alloc(8))),
)
/** Any at all. */
const strange: fc.Arbitrary<Buffer> = fc
  .tuple(fc.nat({ max: 11 }), fc.nat({ max: 255 }), stream, fc.uint8Array({ maxLength: 20 }))
  .map(([type, flags, id, content]) => frame(type, flags, id, Buffer.from(content)))

const acts = fc.constantFrom(
  'respond',
  'only',
  'write',
  'much',
  'end',
  'pause',
  'resume',
  'reset',
  'destroy',
  'leave',
)
type Act = typeof acts extends fc.Arbitrary<infer One> ? One : never

function act(caller: Caller, at: number, what: Act): void {
  const heard = caller.streams[at % Math.max(1, caller.streams.length)]
  if (what === 'destroy') caller.connection.destroy()
  else if (what === 'leave') caller.connection.leave()
  else if (heard !== undefined) {
    const { stream: one } = heard
    if (what === 'respond') one.begin(status)
    else if (what === 'only') one.beginAndEnd(status)
    else if (what === 'write') one.write(Buffer.alloc(10))
    else if (what === 'much') one.write(Buffer.alloc(100_000))
    else if (what === 'end') one.end(status)
    else if (what === 'reset') one.reset(errorCode.cancel)
    else one[what]()
  }
}

const step = fc.oneof(
  { weight: 6, arbitrary: sensible.map((bytes) => ({ bytes })) },
  { weight: 1, arbitrary: strange.map((bytes) => ({ bytes })) },
  { weight: 4, arbitrary: fc.record({ at: fc.nat({ max: 9 }), what: acts }) },
)

test('it goes on or ends, and each stream is closed once', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 40 }),
      fc.array(fc.tuple(fc.nat({ max: 4 }), acts)),
      async (steps, replies) => {
        let left = [...replies]
        const caller = new Caller({
          mostStreams: 4,
          opened: () => {
            // Within the frame that begins it.
            const [reply, ...more] = left
            left = more
            if (reply !== undefined) act(caller, ...reply)
          },
        })
        for (const one of steps) {
          if ('bytes' in one) caller.say(one.bytes)
          else {
            await new Promise(setImmediate)
            act(caller, one.at, one.what)
          }
        }
        await caller.after()
        await caller.hangUp()
        expect(caller.connection.streams).toBe(0)
        for (const { events } of caller.streams) {
          expect(events.filter((event) => event === 'closed')).toHaveLength(1)
          expect(events.at(-1)).toBe('closed')
        }
      },
    ),
    { numRuns: 1_000 },
  )
})
