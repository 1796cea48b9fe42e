import { describe, expect, it } from 'vitest'
import { Admission } from './admission.ts'

const limits = { requestsInFlightPerSession: 2, requestsInFlight: 3, bytesInFlight: 100 }

describe('admission', () => {
  it('bounds the requests of a session until their answers have left', () => {
    const admission = new Admission(limits)
    const lane = admission.lane(1)
    expect([lane.enter(1), lane.enter(1), lane.enter(1)]).toEqual([true, true, false])
    lane.settled(1)
    expect(lane.enter(1)).toBe(false)
    lane.answered()
    expect(lane.enter(1)).toBe(true)
  })

  it('says beforehand that there is no room, for one session or for all', () => {
    const admission = new Admission(limits)
    const lane = admission.lane(1)
    lane.enter(1)
    expect(admission.isFull(1)).toBe(false)
    lane.enter(1)
    expect([admission.isFull(1), admission.isFull(2)]).toEqual([true, false])
    admission.lane(2).enter(1)
    expect([admission.isFull(2), admission.isFull(3)]).toEqual([true, true])
  })

  it('bounds all streams of one session together', () => {
    const admission = new Admission(limits)
    expect([admission.lane(1).enter(1), admission.lane(1).enter(1), admission.lane(1).enter(1)]).toEqual([
      true,
      true,
      false,
    ])
    expect(admission.lane(2).enter(1)).toBe(true)
  })

  it('bounds the requests of all sessions', () => {
    const admission = new Admission(limits)
    const lanes = [1, 2, 3, 4].map((id) => admission.lane(id))
    expect(lanes.map((lane) => lane.enter(1))).toEqual([true, true, true, false])
    lanes[0]?.settled(1)
    expect(lanes[3]?.enter(1)).toBe(true)
  })

  it('bounds the bytes of all sessions, but lets one request in however large', () => {
    const admission = new Admission(limits)
    const lane = admission.lane(1)
    expect(lane.enter(1_000)).toBe(true)
    expect(admission.lane(2).enter(1)).toBe(false)
    lane.settled(1_000)
    expect([lane.enter(60), admission.lane(2).enter(60), admission.lane(2).enter(40)]).toEqual([
      true,
      false,
      true,
    ])
  })

  it('wakes who waits, each once, first come first served', () => {
    const admission = new Admission(limits)
    const [a, b, c, d, e] = [1, 2, 3, 4, 5].map((id) => admission.lane(id))
    const woken: string[] = []
    for (const lane of [a, b, c]) lane?.enter(1)
    const waits = (name: string, lane: typeof a): void => {
      if (lane?.enter(1) === true) woken.push(name)
      else lane?.whenRoom(() => waits(name, lane))
    }
    waits('d', d)
    waits('e', e)
    a?.settled(1)
    expect(woken).toEqual(['d'])
    b?.settled(1)
    c?.settled(1)
    d?.settled(1)
    expect(woken).toEqual(['d', 'e'])
  })

  it('wakes a stream that waits for room in its own session', () => {
    const admission = new Admission(limits)
    const lane = admission.lane(1)
    lane.enter(1)
    lane.enter(1)
    let woken = 0
    lane.whenRoom(() => woken++)
    lane.settled(1)
    expect(woken).toBe(0)
    lane.answered()
    expect(woken).toBe(1)
  })

  it('does not wake who has left', () => {
    const admission = new Admission(limits)
    const lane = admission.lane(1)
    lane.enter(1)
    lane.enter(1)
    const leaver = admission.lane(1)
    const retry = (): never => {
      throw new Error('woken')
    }
    leaver.whenRoom(retry)
    leaver.release(retry)
    lane.answered()
    expect(lane.enter(1)).toBe(true)
  })

  it('forgets a session when its last request is answered and its last stream is gone', () => {
    const admission = new Admission(limits)
    const lane = admission.lane(1)
    lane.enter(5)
    lane.release(null)
    expect(admission.counts).toEqual({ inFlight: 1, bytes: 5, sessions: 1 })
    lane.settled(5)
    lane.answered()
    expect(admission.counts).toEqual({ inFlight: 0, bytes: 0, sessions: 0 })
  })
})
