import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import { describe, expect, it } from 'vitest'
import type { Stages } from '../src/index.ts'
import { atMostInASecond } from '../src/sdk/rate.ts'
import { spanStages } from '../src/sdk/span-stages.ts'

const ids = { trace: '0af7651916cd43dd8448eb211c80319c', span: 'b7ad6b7169203331' }
const sampled = `00-${ids.trace}-${ids.span}-01`
const unsampled = `00-${ids.trace}-${ids.span}-00`

function recording(
  options: { readonly ratio?: number; readonly random?: number; readonly admit?: () => boolean } = {},
): { readonly stages: Stages; readonly spans: () => ReadableSpan[] } {
  const exporter = new InMemorySpanExporter()
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
  const { ratio = 0, random = 0, admit = () => true } = options
  const stages = spanStages({ tracer: provider.getTracer('test'), ratio, random: () => random, admit })
  return { stages, spans: () => exporter.getFinishedSpans() }
}

describe('spans of a server', () => {
  it('are of the trace that the sender says, one within the other', () => {
    const { stages, spans } = recording()
    const whole = stages.receive('sendMessages', sampled)
    const commit = stages.begin('commit', whole?.context ?? '')
    const fsync = stages.begin('fsync', commit.context, { entries: 7 })
    for (const stage of [fsync, commit, whole]) stage?.end()
    const all = spans().map(({ name, parentSpanContext, attributes }) => [
      name,
      parentSpanContext?.spanId,
      attributes['chatroom.entries'],
    ])
    const [fsyncId, commitId, wholeId] = spans().map((span) => span.spanContext().spanId)
    expect(all).toEqual([
      ['chatroom.fsync', commitId, 7],
      ['chatroom.commit', wholeId, undefined],
      ['chatroom.v1.ChatService/SendMessages', ids.span, undefined],
    ])
    expect(new Set([fsyncId, commitId, wholeId, ids.span]).size).toBe(4)
    expect(spans().map((span) => span.spanContext().traceId)).toEqual([ids.trace, ids.trace, ids.trace])
    expect(commit.context).toBe(`00-${ids.trace}-${commitId}-01`)
  })

  it('tell with a word that what they are about came to nothing', () => {
    const { stages, spans } = recording()
    stages.receive('login', sampled)?.end('WRONG_CREDENTIALS')
    const [span] = spans()
    expect([span?.attributes['error.type'], span?.status.code]).toEqual(['WRONG_CREDENTIALS', 2])
  })

  it('are not made of what a client does not sample, whatever the share', () => {
    const { stages } = recording({ ratio: 1 })
    expect(stages.receive('sendMessages', unsampled)).toBeNull()
  })

  it.each([
    ['nothing', ''],
    ['what is no trace', 'a text that somebody wrote'],
    ['a trace that is none', `00-${'0'.repeat(32)}-${ids.span}-01`],
    ['a very long text', 'f'.repeat(65_536)],
  ])('are made of %s as of a share of all, and begin a trace of their own', (_, parent) => {
    const { stages, spans } = recording({ ratio: 0.5, random: 0.49 })
    stages.receive('sendMessages', parent)?.end()
    expect(spans()[0]?.parentSpanContext).toBeUndefined()
    expect(recording({ ratio: 0.5, random: 0.5 }).stages.receive('sendMessages', parent)).toBeNull()
    expect(recording({ ratio: 0, random: 0 }).stages.receive('sendMessages', parent)).toBeNull()
  })

  it('are not made within what another replica says that is no trace', () => {
    const { stages, spans } = recording()
    const stage = stages.begin('append', 'no trace')
    stages.begin('fsync', stage.context).end()
    stage.end()
    expect(spans()).toEqual([])
  })

  it('are made of so many messages in a second at most, also if clients ask for more', () => {
    let now = 5_000
    const admit = atMostInASecond(3, () => now)
    const { stages } = recording({ ratio: 1, admit })
    const followed = (): number =>
      Array.from({ length: 5 }, () => stages.receive('sendMessages', sampled)).filter((one) => one !== null)
        .length
    expect(followed()).toBe(3)
    now += 999
    expect(followed()).toBe(0)
    now += 1
    expect(followed()).toBe(3)
  })
})
