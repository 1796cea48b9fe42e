/** One thing a client asked for. Times are counted in events, so that no two are equal. */
export interface Operation<Input, Output> {
  readonly client: number
  readonly input: Input
  readonly began: number
  /** Infinity: no answer came; it may have taken effect at any time after it began, or never. */
  ended: number
  output: Output | undefined
}

/** What clients asked and were answered: everything that a judge from outside can know. */
export class History<Input, Output> {
  readonly operations: Operation<Input, Output>[] = []
  #count = 0

  begin(client: number, input: Input): Operation<Input, Output> {
    const operation = {
      client,
      input,
      began: this.#count++,
      ended: Number.POSITIVE_INFINITY,
      output: undefined,
    }
    this.operations.push(operation)
    return operation
  }

  end(operation: Operation<Input, Output>, output: Output): void {
    operation.ended = this.#count++
    operation.output = output
  }

  /** It certainly did nothing. */
  forget(operation: Operation<Input, Output>): void {
    const at = this.operations.lastIndexOf(operation)
    if (at >= 0) this.operations.splice(at, 1)
  }
}
