/** A place in the log's files: an offset in a numbered segment. Ordered by segment, then offset. */
export interface Place {
  readonly segment: number
  readonly offset: number
}

export const nowhere: Place = { segment: 0, offset: 0 }

export function comparePlaces(a: Place, b: Place): number {
  return a.segment - b.segment || a.offset - b.offset
}
